package dev.sluice.bench.load;

import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** What all receivers together have received, and how long it took. To be used on the event loop. */
final class Deliveries {

    private static final long LONGEST = TimeUnit.MINUTES.toNanos(2);

    private final Histogram latencies = new Histogram(LONGEST, 3);
    private long count;
    private int lostReceivers;
    private Runnable afterRead = () -> {};

    void received(long published, long now) {
        count++;
        latencies.recordValue(Math.max(0, Math.min(LONGEST, now - published)));
    }

    void receiverLost() {
        lostReceivers++;
    }

    /** To be called when everything that one connection has received so far is read. */
    void readComplete() {
        afterRead.run();
    }

    void afterRead(Runnable action) {
        afterRead = action;
    }

    long count() {
        return count;
    }

    int lostReceivers() {
        return lostReceivers;
    }

    /** The latencies since the last call, in nanoseconds. */
    Histogram takeLatencies() {
        Histogram taken = latencies.copy();
        latencies.reset();
        return taken;
    }
}
