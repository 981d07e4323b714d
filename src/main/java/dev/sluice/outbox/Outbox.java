package dev.sluice.outbox;

/**
 * The one way to a connection: everything sent on it goes through here, on its event loop, so the order is defined. Who
 * should hear what is not its business.
 */
public final class Outbox {

    private final Wire wire;
    private final Pending pending;
    private final Runnable onFailure;
    private boolean closed;

    /**
     * An outbox with nothing in it.
     *
     * @param onFailure run when a write failed, on the event loop, possibly once for each write under way
     */
    public Outbox(Wire wire, Pending pending, Runnable onFailure) {
        this.wire = wire;
        this.pending = pending;
        this.onFailure = onFailure;
    }

    /** Sends after everything sent before; dropped once closed. To be called on the connection's event loop. */
    public void send(Frame frame) {
        if (closed) {
            return;
        }
        pending.add(frame.size());
        wire.write(frame, failure -> {
            pending.add(-frame.size());
            if (failure == null) {
                frame.receipt().written(frame.size());
            } else {
                onFailure.run();
            }
        });
    }

    /** Closes the socket after everything sent before; idempotent. To be called on the connection's event loop. */
    public void close(int code, String reason) {
        if (!closed) {
            closed = true;
            wire.close(code, reason);
        }
    }
}
