package dev.sluice.publish;

import java.io.Serial;

/** Redis has not said that it has published something. It may have. */
public final class NotConfirmed extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    NotConfirmed(Throwable cause) {
        super(cause.getMessage(), cause, false, false);
    }
}
