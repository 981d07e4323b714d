package dev.sluice.retain;

import dev.sluice.config.RetainConfig;
import dev.sluice.config.SluiceConfig;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import dev.sluice.route.Retain;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the newest publication of each channel on routes with {@link Retain#LAST}, bounded in number, age and bytes. At a
 * bound, the oldest publications are removed. Thread-safe; one thread writes.
 */
// Not Caffeine: a full cache of that library rejects new channels in favour of those used more often.
@Singleton
public final class Retention {

    /**
     * Memory of the objects around a name and a payload, in bytes; measured on a 64-bit JVM with compressed pointers.
     */
    private static final int OVERHEAD = 200;

    private final int maxChannels;
    private final long maxBytes;
    private final long maxAgeNanos;
    private final LongSupplier nanoTime;

    /** In the order of publication, and guarded by itself. */
    private final Map<Channel, Retained> oldestFirst = new LinkedHashMap<>();

    private long bytes;

    /** A publication and when it was published, of {@link System#nanoTime}. */
    private record Retained(Payload payload, long cost, long at) {}

    /** Creates an empty retention. */
    @Inject
    Retention(SluiceConfig config, MeterRegistry metrics) {
        this(config.retain(), metrics);
    }

    Retention(RetainConfig config, MeterRegistry metrics) {
        this(config, System::nanoTime);
        Gauge.builder("sluice.retained.channels", this, Retention::channels)
                .description("Channels with a retained publication")
                .register(metrics);
        Gauge.builder("sluice.retained.bytes", this, Retention::bytes)
                .description("Memory charged for retained publications")
                .baseUnit("bytes")
                .register(metrics);
    }

    Retention(RetainConfig config, LongSupplier nanoTime) {
        this.maxChannels = config.maxChannels();
        this.maxBytes = config.maxBytes().asLongValue();
        this.maxAgeNanos = config.maxAge().toNanos();
        this.nanoTime = nanoTime;
    }

    /** Replaces the channel's publication. To be called in order of publication. */
    public void remember(Channel channel, Payload payload) {
        Channel key = channel.compact();
        Retained newest = new Retained(payload, cost(key, payload), nanoTime.getAsLong());
        synchronized (oldestFirst) {
            // Removed first, so that the channel becomes the last one.
            Retained older = oldestFirst.remove(key);
            bytes -= older == null ? 0 : older.cost;
            if (newest.cost <= maxBytes) {
                oldestFirst.put(key, newest);
                bytes += newest.cost;
            }
            evict(newest.at);
        }
    }

    /** Returns the newest publication of the channel, {@code null} if none is kept. */
    public @Nullable Payload newest(Channel channel) {
        if (channel.route().retain() == Retain.NONE) {
            return null;
        }
        Retained newest;
        synchronized (oldestFirst) {
            newest = oldestFirst.get(channel);
        }
        return newest == null || isExpired(newest, nanoTime.getAsLong()) ? null : newest.payload;
    }

    /** Removes the channel's publication, because this pod does not hear newer ones any more. */
    public void forget(Channel channel) {
        synchronized (oldestFirst) {
            Retained removed = oldestFirst.remove(channel);
            bytes -= removed == null ? 0 : removed.cost;
        }
    }

    /** Removes everything, because this pod may have missed newer publications. */
    public void clear() {
        synchronized (oldestFirst) {
            oldestFirst.clear();
            bytes = 0;
        }
    }

    long channels() {
        synchronized (oldestFirst) {
            evict(nanoTime.getAsLong());
            return oldestFirst.size();
        }
    }

    long bytes() {
        synchronized (oldestFirst) {
            evict(nanoTime.getAsLong());
            return bytes;
        }
    }

    private void evict(long now) {
        Iterator<Retained> oldest = oldestFirst.values().iterator();
        while (oldest.hasNext()) {
            Retained next = oldest.next();
            if (oldestFirst.size() <= maxChannels && bytes <= maxBytes && !isExpired(next, now)) {
                return;
            }
            oldest.remove();
            bytes -= next.cost;
        }
    }

    private boolean isExpired(Retained retained, long now) {
        return now - retained.at >= maxAgeNanos;
    }

    private static long cost(Channel channel, Payload payload) {
        return (long) channel.length() + payload.bytes().length + OVERHEAD;
    }
}
