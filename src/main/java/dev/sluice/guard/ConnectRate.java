package dev.sluice.guard;

import dev.sluice.config.SluiceConfig;
import io.quarkus.runtime.Startup;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How many connections may begin: so many in a second, of which a tenth, or 50 where that is more, may come at once. When
 * a fleet of clients comes back it is let in at the rate this pod copes with beside its other work: what comes at once
 * keeps an event loop from that work. Those who are refused for another reason afterwards count as well. A generic cell
 * rate algorithm, for use by all threads.
 */
@Startup
@Singleton
public final class ConnectRate {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    /** So few are always harmless. */
    private static final int MIN_BURST = 50;

    private final long intervalNanos;
    private final long burstNanos;
    private final LongSupplier nanoTime;
    /** When all that were admitted would have come, had they come evenly. */
    private final AtomicLong even;

    @Inject
    ConnectRate(SluiceConfig config) {
        this(config.limits().connectsPerSecond(), System::nanoTime);
    }

    ConnectRate(int perSecond, LongSupplier nanoTime) {
        this.intervalNanos = SECOND / perSecond;
        this.burstNanos = intervalNanos * Math.min(perSecond, Math.max(MIN_BURST, perSecond / 10));
        this.nanoTime = nanoTime;
        this.even = new AtomicLong(nanoTime.getAsLong());
    }

    /** Whether one more may begin now. */
    boolean admit() {
        long now = nanoTime.getAsLong();
        while (true) {
            long before = even.get();
            long after = (before - now > 0 ? before : now) + intervalNanos;
            if (after - now > burstNanos) {
                return false;
            }
            if (even.compareAndSet(before, after)) {
                return true;
            }
        }
    }
}
