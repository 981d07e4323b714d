package dev.sluice.outbox;

/**
 * How long a socket has taken nothing of what is under way. It exists only while something is. Confined to the
 * connection's event loop.
 */
final class StallTimer {

    /** The fraction of the longest stall after which the wire is asked for progress. */
    private static final int SUSPICIOUS = 4;

    /** When the socket last took data, or the wait or close began. */
    private long lastTaken;

    /** When the last flush was done, or the first one began. */
    private long lastFlushed;

    StallTimer(long now) {
        progressed(now);
    }

    /** A flush is done. */
    void progressed(long now) {
        lastTaken = now;
        lastFlushed = now;
    }

    /** Restarts the time that {@link #isOlderThan} compares. */
    void restart(long now) {
        lastTaken = now;
    }

    boolean isOlderThan(long now, long nanos) {
        return now - lastTaken >= nanos;
    }

    /** Whether one flush, or the wait for the socket to take anything, takes too long. May end flushes. */
    boolean isStalled(long now, FrameWriter writer, Outbox.Bounds bounds) {
        if (now - lastFlushed >= bounds.maxFlushNanos()) {
            return true;
        }
        if (now - lastTaken >= bounds.maxStallNanos() / SUSPICIOUS) {
            lastTaken = writer.lastTaken(lastTaken, now);
        }
        return now - lastTaken >= bounds.maxStallNanos();
    }
}
