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
 * The newest publication of each channel of the routes that say {@link Retain#LAST}, bounded in number, age and bytes.
 * Written by the thread that reads Redis, read by any.
 */
// A bound on the weight and an age make a kind of cache that Quarkus itself does not register.
@RegisterForReflection(classNames = "com.github.benmanes.caffeine.cache.SSMWW")
@Singleton
public final class Retention {

    /** What the objects around a name and a payload take; measured on a 64-bit JVM with compressed pointers. */
    private static final int OVERHEAD = 200;

    /** The least that an entry weighs. */
    private static final int UNIT = 1000;

    private final Cache<Channel, Payload> newest;

    /** Nothing is kept yet. */
    @Inject
    Retention(SluiceConfig config, MeterRegistry metrics) {
        this(config.retain(), metrics);
    }

    Retention(RetainConfig config, MeterRegistry metrics) {
        this(config, Ticker.systemTicker());
        Gauge.builder("sluice.retained.channels", newest, Cache::estimatedSize)
                .description("Channels of which the newest publication is kept")
                .register(metrics);
        Gauge.builder("sluice.retained.bytes", this, Retention::bytes)
                .description("Memory charged for what is kept")
                .baseUnit("bytes")
                .register(metrics);
    }

    Retention(RetainConfig config, Ticker ticker) {
        long maxBytes = config.maxBytes().asLongValue();
        // One bound for both number and bytes, as the cache has just one: an entry weighs its share of either,
        // whichever
        // is larger.
        double weightOfByte = (double) UNIT * config.maxChannels() / maxBytes;
        this.newest = Caffeine.newBuilder()
                .maximumWeight((long) UNIT * config.maxChannels())
                .weigher((Channel channel, Payload payload) -> (int) Math.min(
                        Integer.MAX_VALUE, Math.max(UNIT, Math.ceil(cost(channel, payload) * weightOfByte))))
                .expireAfterWrite(config.maxAge())
                .ticker(ticker)
                // On the thread that writes, which has the time; another one would have to be woken up.
                .executor(Runnable::run)
                .build();
    }

    /** Keeps a publication in place of the one before. To be called in order of publication. */
    public void remember(Channel channel, Payload payload) {
        newest.put(channel.compact(), payload);
    }

    /** The newest publication of the channel, {@code null} where none is kept. */
    public @Nullable Payload newest(Channel channel) {
        return channel.route().retain() == Retain.NONE ? null : newest.getIfPresent(channel);
    }

    /** Forgets everything, because this pod may have missed newer publications. */
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
