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

    /** The connection that has the slot. Its executor is the connection's event loop. */
    public interface Holder extends Executor {
        /** It has to make room for a newer connection. Called on the event loop. */
        void evicted();
    }

    private final ConnectionSlots slots;
    private final Holder holder;

    /** Done instead of telling the holder. */
    private @Nullable Runnable onEviction;

    private State state = State.OUTSIDE;
    private @Nullable String address;

    /** The slot of a connection that has none yet. */
    public Slot(ConnectionSlots slots, Holder holder) {
        this.slots = slots;
        this.holder = holder;
    }

    /**
     * Takes it for a connection from that address; returns why there is none.
     *
     * @param token whether the request carries one, which is going to be verified
     */
    public ConnectionSlots.@Nullable Full take(@Nullable String from, boolean token) {
        State next = token ? State.VERIFYING : State.SILENT;
        onEviction = null;
        ConnectionSlots.Full full = slots.take(this, from, next);
        if (full == null) {
            state = next;
            address = from;
        }
        return full;
    }

    /** Replaces {@link Holder#evicted} until it is decided whether the connection may come in. */
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
            onEviction = null;
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
        holder.execute(() -> {
            if (state == from) {
                Runnable instead = onEviction;
                decided();
                if (instead != null) {
                    instead.run();
                } else {
                    holder.evicted();
                }
            }
        });
    }
}
