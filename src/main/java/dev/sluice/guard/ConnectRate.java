package dev.sluice.guard;

import dev.sluice.config.SluiceConfig;
import io.quarkus.runtime.Startup;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Limits the rate of upgrades, so that reconnecting clients do not delay deliveries, with a generic cell rate algorithm
 * (GCRA). The burst is a tenth of the rate per second, at least 50. Upgrades that are refused later for another reason
 * count too. Thread-safe.
 */
@Startup
@Singleton
public final class ConnectRate {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private static final int MIN_BURST = 50;

    private final long intervalNanos;
    private final long burstNanos;
    private final LongSupplier nanoTime;
    /** The theoretical arrival time (GCRA). */
    private final AtomicLong theoreticalArrival;

    @Inject
    ConnectRate(SluiceConfig config) {
        this(config.limits().connectsPerSecond(), System::nanoTime);
    }

    ConnectRate(int perSecond, LongSupplier nanoTime) {
        this.intervalNanos = SECOND / perSecond;
        this.burstNanos = intervalNanos * Math.min(perSecond, Math.max(MIN_BURST, perSecond / 10));
        this.nanoTime = nanoTime;
        this.theoreticalArrival = new AtomicLong(nanoTime.getAsLong());
    }

    /** Whether one more upgrade may start now; if so, counts it. */
    boolean admit() {
        long now = nanoTime.getAsLong();
        while (true) {
            long before = theoreticalArrival.get();
            long after = (before - now > 0 ? before : now) + intervalNanos;
            if (after - now > burstNanos) {
                return false;
            }
            if (theoreticalArrival.compareAndSet(before, after)) {
                return true;
            }
        }
    }
}
