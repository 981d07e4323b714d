package dev.sluice.fleet;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Limits the rate of questions, with a generic cell rate algorithm (GCRA) and a burst of one second. Thread-safe. */
final class QuestionRate {

    private static final long BURST_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final long intervalNanos;
    private final LongSupplier nanoTime;
    /** The theoretical arrival time (GCRA). */
    private long theoreticalArrival;

    QuestionRate(int perSecond, LongSupplier nanoTime) {
        this.intervalNanos = BURST_NANOS / perSecond;
        this.nanoTime = nanoTime;
        this.theoreticalArrival = nanoTime.getAsLong();
    }

    /**
     * Whether one more question may be asked now; if so, counts it.
     *
     * @param forClient whether half of the burst is left to others
     */
    synchronized boolean admit(boolean forClient) {
        long now = nanoTime.getAsLong();
        long next = (theoreticalArrival - now > 0 ? theoreticalArrival : now) + intervalNanos;
        if (next - now > (forClient ? BURST_NANOS / 2 : BURST_NANOS)) {
            return false;
        }
        theoreticalArrival = next;
        return true;
    }
}
