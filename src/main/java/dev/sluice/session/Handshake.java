package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import org.jspecify.annotations.Nullable;

/** What a session knows until its client is authenticated or refused. Confined to the connection's event loop. */
final class Handshake {

    private final @Nullable AuthenticatedUser shown;

    /** Cancels the timer of the current step. */
    private @Nullable Runnable timer;

    private boolean verifying;

    /**
     * Creates a handshake without a timer.
     *
     * @param shown the user of the request's token
     */
    Handshake(@Nullable AuthenticatedUser shown) {
        this.shown = shown;
    }

    /** The user of the request's token; {@code null} if it carried none. */
    @Nullable
    AuthenticatedUser shown() {
        return shown;
    }

    /** Waits for the auth message until the timer ends. */
    void await(Runnable canceller) {
        timer = canceller;
    }

    /** Waits for the verification of a token until the timer ends. */
    void verify(Runnable canceller) {
        verifying = true;
        timer = canceller;
    }

    /** Whether a token is being verified, so that no message is expected. */
    boolean isVerifying() {
        return verifying;
    }

    void cancelTimer() {
        if (timer != null) {
            timer.run();
            timer = null;
        }
    }
}
