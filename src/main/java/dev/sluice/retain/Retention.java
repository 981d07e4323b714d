package dev.sluice.retain;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.sluice.config.RetainConfig;
import dev.sluice.config.SluiceConfig;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import dev.sluice.route.Retain;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the newest publication of each channel on routes with {@link Retain#LAST}, bounded in number, age and bytes.
 * The thread that reads Redis writes; any thread reads.
 */
// The class that Caffeine uses for a cache with a maximum weight and age, which Quarkus does not register.
@RegisterForReflection(classNames = "com.github.benmanes.caffeine.cache.SSMWW")
@Singleton
public final class Retention {

    /**
     * Memory of the objects around a name and a payload, in bytes; measured on a 64-bit JVM with compressed pointers.
     */
    private static final int OVERHEAD = 200;

    /** The minimum weight of an entry. */
    private static final int UNIT = 1000;

    private final Cache<Channel, Payload> newest;

    /** Creates an empty retention. */
    @Inject
    Retention(SluiceConfig config, MeterRegistry metrics) {
        this(config.retain(), metrics);
    }

    Retention(RetainConfig config, MeterRegistry metrics) {
        this(config, Ticker.systemTicker());
        Gauge.builder("sluice.retained.channels", newest, Cache::estimatedSize)
                .description("Channels with a retained publication")
                .register(metrics);
        Gauge.builder("sluice.retained.bytes", this, Retention::bytes)
                .description("Memory charged for retained publications")
                .baseUnit("bytes")
                .register(metrics);
    }

    Retention(RetainConfig config, Ticker ticker) {
        long maxBytes = config.maxBytes().asLongValue();
        // The cache has one bound for both number and bytes: an entry weighs its share of either, whichever is larger.
        double weightOfByte = (double) UNIT * config.maxChannels() / maxBytes;
        this.newest = Caffeine.newBuilder()
                .maximumWeight((long) UNIT * config.maxChannels())
                .weigher((Channel channel, Payload payload) -> (int) Math.min(
                        Integer.MAX_VALUE, Math.max(UNIT, Math.ceil(cost(channel, payload) * weightOfByte))))
                .expireAfterWrite(config.maxAge())
                .ticker(ticker)
                // Maintenance runs on the writing thread, so that no other thread must be woken.
                .executor(Runnable::run)
                .build();
    }

    /** Replaces the channel's publication. To be called in order of publication. */
    public void remember(Channel channel, Payload payload) {
        newest.put(channel.compact(), payload);
    }

    /** Returns the newest publication of the channel, {@code null} if none is kept. */
    public @Nullable Payload newest(Channel channel) {
        return channel.route().retain() == Retain.NONE ? null : newest.getIfPresent(channel);
    }

    /** Removes everything, because this pod may have missed newer publications. */
    public void clear() {
        newest.invalidateAll();
    }

    long channels() {
        newest.cleanUp();
        return newest.estimatedSize();
    }

    long bytes() {
        return newest.asMap().entrySet().stream()
                .mapToLong(kept -> cost(kept.getKey(), kept.getValue()))
                .sum();
    }

    private static long cost(Channel channel, Payload payload) {
        return (long) channel.length() + payload.bytes().length + OVERHEAD;
    }
}
