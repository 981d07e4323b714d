package dev.sluice.guard;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The slot of one connection in {@link ConnectionSlots}. Confined to the connection's event loop, except {@link
 * #evict}.
 */
public final class Slot {

    /** The connection's progress towards authentication. */
    enum State {
        /** It holds no slot. */
        OUTSIDE,
        /** It has sent no token yet. */
        SILENT,
        /** Its token is being verified. */
        VERIFYING,
        /** The connection has been accepted or refused. */
        DECIDED
    }

    /** The connection that holds the slot. It executes tasks on its event loop. */
    public interface Holder extends Executor {
        /** Closes the connection to make room for a newer one. Called on the event loop. */
        void evicted();
    }

    private final ConnectionSlots slots;
    private final Holder holder;

    /** Runs instead of {@link Holder#evicted}. */
    private @Nullable Runnable onEviction;

    private State state = State.OUTSIDE;
    private @Nullable String address;

    /** Creates a slot that is not taken yet. */
    public Slot(ConnectionSlots slots, Holder holder) {
        this.slots = slots;
        this.holder = holder;
    }

    /**
     * Takes a slot for a connection from this address; if there is none, returns the exhausted limit.
     *
     * @param token whether the request carries a token, which will be verified
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

    /** Replaces {@link Holder#evicted} until {@link #decided}. */
    public void onEviction(Runnable action) {
        onEviction = action;
    }

    /** The client sent a token, which is being verified. */
    public void verifying() {
        if (state == State.SILENT) {
            state = State.VERIFYING;
            slots.verifying(this);
        }
    }

    /** The connection has been accepted or refused. Idempotent. */
    public void decided() {
        if (state == State.SILENT || state == State.VERIFYING) {
            state = State.DECIDED;
            onEviction = null;
            slots.decided(this);
        }
    }

    /** Whether it has been taken and not freed. */
    public boolean isTaken() {
        return state != State.OUTSIDE;
    }

    /** The address by which it is counted; {@code null} if there is none. */
    public @Nullable String address() {
        return address;
    }

    /** Frees the slot. Idempotent. */
    public void leave() {
        if (state != State.OUTSIDE) {
            decided();
            slots.leave(address);
            state = State.OUTSIDE;
        }
    }

    /** Evicts the connection, unless it has left the given state meanwhile. May be called on any thread. */
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
