package dev.sluice.access;

/** The keys to verify a token are unavailable now. A later attempt may succeed. */
public final class KeysUnavailable extends RuntimeException {

    private static final long serialVersionUID = 1;

    KeysUnavailable() {
        super("tokens can't be verified now", null, false, false);
    }
}
