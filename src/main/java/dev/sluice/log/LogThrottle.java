package dev.sluice.log;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Lets one event per period through, and counts those that it does not, so that a flood of them makes a line and not a
 * log. Safe for several threads.
 */
public final class LogThrottle {

    private static final Duration PERIOD = Duration.ofMinutes(1);

    private final long periodNanos;
    private final LongSupplier nanoTime;
    private final AtomicLong nextAt;
    private final AtomicLong untold = new AtomicLong();

    /** One that lets the first event through, and then one a minute. */
    public LogThrottle() {
        this(PERIOD, System::nanoTime);
    }

    LogThrottle(Duration period, LongSupplier nanoTime) {
        this.periodNanos = period.toNanos();
        this.nanoTime = nanoTime;
        this.nextAt = new AtomicLong(nanoTime.getAsLong());
    }

    /** How many events there were since the last that was let through, this one included; 0 where this one is not. */
    public long pass() {
        untold.incrementAndGet();
        long now = nanoTime.getAsLong();
        long next = nextAt.get();
        return now - next >= 0 && nextAt.compareAndSet(next, now + periodNanos) ? untold.getAndSet(0) : 0;
    }
}
