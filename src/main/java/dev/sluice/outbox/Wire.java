package dev.sluice.outbox;

import org.jspecify.annotations.Nullable;

/** What an outbox writes to: one WebSocket. Used on the connection's event loop only. */
public interface Wire {

    /** Writes after everything written before; never blocks and never throws. */
    void write(Frame frame, Done done);

    /** Closes after everything written before; without effect on a socket already closed. */
    void close(int code, String reason);

    /** Told once, on the connection's event loop, how a write ended. */
    @FunctionalInterface
    interface Done {
        /** Called with {@code null} where the kernel took the frame, else with what went wrong. */
        void done(@Nullable Throwable failure);
    }
}
