package dev.sluice.registry;

import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Outbox;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** One authenticated WebSocket of one user. Equal only to itself. Safe for use by several threads. */
public final class Connection {

    private final String user;
    private final Outbox outbox;
    private final Executor loop;
    private final Consumer<Disconnected> observers;
    private final AtomicBoolean ended = new AtomicBoolean();

    /**
     * A connection that has not ended.
     *
     * @param user whom it belongs to
     * @param loop the event loop it is bound to, which runs tasks in the order given
     * @param observers told when it ends
     */
    public Connection(String user, Outbox outbox, Executor loop, Consumer<Disconnected> observers) {
        this.user = user;
        this.outbox = outbox;
        this.loop = loop;
        this.observers = observers;
    }

    /** Whom it belongs to. */
    public String user() {
        return user;
    }

    /** Sends after everything sent before by the same thread; dropped once the connection has ended. */
    public void send(Frame frame) {
        loop.execute(() -> {
            if (!ended.get()) {
                outbox.send(frame);
            }
        });
    }

    /** Ends it; the first reason given counts, later ones are ignored. */
    public void disconnect(Disconnect reason) {
        if (ended.compareAndSet(false, true)) {
            observers.accept(new Disconnected(this, reason));
        }
    }

    /** Closes its socket, after everything sent before, with the reason's code. */
    public void close(Disconnect reason) {
        loop.execute(() -> outbox.close(reason.closeCode(), reason.message()));
    }
}
