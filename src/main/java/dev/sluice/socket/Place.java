package dev.sluice.socket;

import org.jspecify.annotations.Nullable;

/** The place one TCP connection may have among the {@link Places}. Confined to the connection's event loop. */
final class Place {

    private enum State {
        OUTSIDE,
        STRANGER,
        KNOWN
    }

    private final Places places;
    private State state = State.OUTSIDE;
    private @Nullable String address;

    Place(Places places) {
        this.places = places;
    }

    /** Takes it for whoever comes from that address; returns why there is none. */
    Places.@Nullable Full take(@Nullable String from) {
        Places.Full full = places.take(from);
        if (full == null) {
            state = State.STRANGER;
            address = from;
        }
        return full;
    }

    /** Its bearer has authenticated. Idempotent. */
    void authenticated() {
        if (state == State.STRANGER) {
            state = State.KNOWN;
            places.authenticated();
        }
    }

    /** Gives it back. Idempotent. */
    void leave() {
        if (state != State.OUTSIDE) {
            places.leave(address, state == State.STRANGER);
            state = State.OUTSIDE;
        }
    }
}
