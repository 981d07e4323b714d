package dev.sluice.outbox;

import org.jspecify.annotations.Nullable;

/**
 * Writes to one client, on a WebSocket or an event stream. Used only on the connection's event loop; no method blocks. If
 * one throws, a frame may be lost, and the connection must end.
 */
public interface FrameWriter {

    /** Writes a frame after all earlier ones; it may be sent only with the next {@link #flush}. */
    void write(Frame frame);

    /** Writes a frame whose publications do not state that everything before them has been sent. */
    default void writeLate(Frame frame) {
        write(frame);
    }

    /** The format of publications that get headers; {@code null} if messages are the payloads alone. */
    default @Nullable PublicationFormat headers() {
        return null;
    }

    /** Whether a frame for many connections is in memory once until the kernel has taken it. */
    default boolean sharesBytes() {
        return false;
    }

    /** Whether a batch is written as one frame; if not, each of its messages costs as much as a frame. */
    default boolean takesBatches() {
        return true;
    }

    /** Sends everything written before. */
    void flush(Done done);

    /**
     * Returns when the kernel last took flushed data, if that is known before the flush is done; otherwise {@code
     * since}. All times are {@link System#nanoTime}. Called from time to time during a long flush, which may end before
     * this returns.
     */
    default long lastTaken(long since, long now) {
        return since;
    }

    /** Closes with a close frame after all earlier frames; does nothing if the socket is closed. */
    void close(int code, String reason);

    /** Closes the TCP connection at once, and discards unsent data. */
    void cut();

    /** Receives the end of a flush, once, on the connection's event loop, possibly before the flush returns. */
    @FunctionalInterface
    interface Done {
        /** Called with {@code null} if the kernel took everything, else with the failure. */
        void done(@Nullable Throwable failure);
    }
}
