package dev.sluice.log;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Lets one event per period through, so that a flood of them makes a line and not a log. Safe for several threads. */
public final class LogThrottle {

    private final long periodNanos;
    private final LongSupplier nanoTime;
    private final AtomicLong nextAt;

    /** One that lets the first event through; {@code nanoTime} is {@link System#nanoTime}, or a test's. */
    public LogThrottle(Duration period, LongSupplier nanoTime) {
        this.periodNanos = period.toNanos();
        this.nanoTime = nanoTime;
        this.nextAt = new AtomicLong(nanoTime.getAsLong());
    }

    /** Whether this event is the one. */
    public boolean pass() {
        long now = nanoTime.getAsLong();
        long next = nextAt.get();
        return now - next >= 0 && nextAt.compareAndSet(next, now + periodNanos);
    }
}
