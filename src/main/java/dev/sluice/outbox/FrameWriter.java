package dev.sluice.outbox;

import org.jspecify.annotations.Nullable;

/** What an outbox writes to: one WebSocket. Used on the connection's event loop only; nothing blocks or throws. */
public interface FrameWriter {

    /** Writes after everything written before; it need not leave before the next {@link #flush}. */
    void write(Frame frame);

    /** The same; publications don't say that everything before them has been sent. */
    default void writeLate(Frame frame) {
        write(frame);
    }

    /** Whether publications get headers, see {@link PublicationFormat#addsHeader}. */
    default boolean addsHeaders() {
        return false;
    }

    /** Whether a frame that many connections are sent is in memory once, until the kernel has taken it. */
    default boolean sharesBytes() {
        return false;
    }

    /** Whether a run is written as one piece; where not, each of its messages costs what a frame costs. */
    default boolean takesBatches() {
        return true;
    }

    /** Sends everything written before. */
    void flush(Done done);

    /**
     * When something of what was flushed was last taken, where that can be told before a flush is done; else {@code since}.
     * Both, and {@code now}, are nanoseconds of {@link System#nanoTime}. Called now and then while a flush takes long; that
     * flush may be done before this returns.
     */
    default long lastTaken(long since, long now) {
        return since;
    }

    /** Closes with a close frame after everything written before; without effect on a socket already closed. */
    void close(int code, String reason);

    /** Closes the TCP connection at once, whatever has been written. */
    void cut();

    /** Told once, on the connection's event loop, how a flush ended; it may be told before the flush returns. */
    @FunctionalInterface
    interface Done {
        /** Called with {@code null} where the kernel took everything, else with what went wrong. */
        void done(@Nullable Throwable failure);
    }
}
