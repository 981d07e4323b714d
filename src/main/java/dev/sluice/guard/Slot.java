package dev.sluice.guard;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The slot of one TCP connection in {@link ConnectionSlots}. Confined to the connection's event loop, except
 * {@link #evict}.
 */
public final class Slot {

    /** Where its connection is on its way in. */
    enum State {
        /** It has none. */
        OUTSIDE,
        /** It has shown no token yet. */
        SILENT,
        /** The token it has shown is being verified. */
        VERIFYING,
        /** It is decided whether it may come in. */
        DECIDED
    }

    private final ConnectionSlots slots;
    private final Executor loop;
    private final Runnable close;
    private Runnable onEviction;
    private State state = State.OUTSIDE;
    private @Nullable String address;

    /**
     * The place of a connection that has none yet.
     *
     * @param loop the connection's event loop
     * @param close closes the connection; what is done when it is evicted, unless something else is said
     */
    public Slot(ConnectionSlots slots, Executor loop, Runnable close) {
        this.slots = slots;
        this.loop = loop;
        this.close = close;
        this.onEviction = close;
    }

    /**
     * Takes it for a connection from that address; returns why there is none.
     *
     * @param token whether the request carries one, which is going to be verified
     */
    public ConnectionSlots.@Nullable Full take(@Nullable String from, boolean token) {
        State next = token ? State.VERIFYING : State.SILENT;
        onEviction = close;
        ConnectionSlots.Full full = slots.take(this, from, next);
        if (full == null) {
            state = next;
            address = from;
        }
        return full;
    }

    /** What is to be done instead of closing the connection when it has to make room for a newer one. */
    public void onEviction(Runnable action) {
        onEviction = action;
    }

    /** A token was shown and is being verified. */
    public void verifying() {
        if (state == State.SILENT) {
            state = State.VERIFYING;
            slots.verifying(this);
        }
    }

    /** It is decided whether its connection may come in. Idempotent. */
    public void decided() {
        if (state == State.SILENT || state == State.VERIFYING) {
            state = State.DECIDED;
            slots.decided(this);
        }
    }

    /** Gives it back. Idempotent. */
    public void leave() {
        if (state != State.OUTSIDE) {
            decided();
            slots.leave(address);
            state = State.OUTSIDE;
        }
    }

    /** Makes its connection give way to a newer one, unless it has left that state meanwhile. May be called on any thread. */
    void evict(State from) {
        loop.execute(() -> {
            if (state == from) {
                decided();
                onEviction.run();
            }
        });
    }
}
