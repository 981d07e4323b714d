package dev.sluice.access;

/** Whether a token is good can't be told now, because the keys to verify it with can't be had. Trying again may help. */
public final class KeysUnavailable extends RuntimeException {

    private static final long serialVersionUID = 1;

    KeysUnavailable() {
        super("tokens can't be verified now", null, false, false);
    }
}
