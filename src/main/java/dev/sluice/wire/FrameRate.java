package dev.sluice.wire;

import dev.sluice.config.SluiceConfig;
import dev.sluice.guard.ConnectRate;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Limits how many frames a client sends per second and at once, by a generic cell rate algorithm for each connection, like
 * {@link ConnectRate}. {@link Inbound} keeps the client's state. Vert.x has no such limit.
 */
@Startup
@Singleton
public final class FrameRate {

    /** Replaces the theoretical arrival time of a client that has exceeded its rate. */
    static final long EXCEEDED = Long.MIN_VALUE;

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final long intervalNanos;
    private final long burstNanos;
    private final LongSupplier nanoTime;
    private final LimitMeter meter;

    @Inject
    public FrameRate(SluiceConfig config, MeterRegistry metrics) {
        this(config.limits().framesPerSecond(), config.limits().framesBurst(), System::nanoTime, metrics);
    }

    public FrameRate(int perSecond, int burst, LongSupplier nanoTime, MeterRegistry metrics) {
        this.intervalNanos = SECOND / perSecond;
        this.burstNanos = intervalNanos * burst;
        this.nanoTime = nanoTime;
        this.meter = new LimitMeter("frames-per-second", metrics);
    }

    /** The theoretical arrival time (GCRA) of a client that has sent nothing yet, in nanoseconds. */
    long start() {
        return nanoTime.getAsLong();
    }

    /**
     * Returns the theoretical arrival time after further frames.
     *
     * @param arrival the one before these frames
     * @return {@link #EXCEEDED} if they exceed the rate, and for all later frames; counted once
     */
    long admit(long arrival, int frames) {
        if (arrival == EXCEEDED) {
            return EXCEEDED;
        }
        long now = nanoTime.getAsLong();
        long after = (arrival - now > 0 ? arrival : now) + frames * intervalNanos;
        if (after - now > burstNanos) {
            meter.exceeded();
            return EXCEEDED;
        }
        return after;
    }
}
