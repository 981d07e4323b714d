package dev.sluice.log;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Allows one event per period, and counts the others, so that a flood of events writes one line. Thread-safe. */
public final class LogThrottle {

    private static final Duration PERIOD = Duration.ofMinutes(1);

    private final long periodNanos;
    private final LongSupplier nanoTime;
    private final AtomicLong nextAt;
    private final AtomicLong untold = new AtomicLong();

    /** Creates a throttle that allows the first event, and then one a minute. */
    public LogThrottle() {
        this(PERIOD, System::nanoTime);
    }

    LogThrottle(Duration period, LongSupplier nanoTime) {
        this.periodNanos = period.toNanos();
        this.nanoTime = nanoTime;
        this.nextAt = new AtomicLong(nanoTime.getAsLong());
    }

    /** Returns the number of events since the last allowed one, including this one; 0 if this one is not allowed. */
    public long pass() {
        untold.incrementAndGet();
        long now = nanoTime.getAsLong();
        long next = nextAt.get();
        return now - next >= 0 && nextAt.compareAndSet(next, now + periodNanos) ? untold.getAndSet(0) : 0;
    }
}
