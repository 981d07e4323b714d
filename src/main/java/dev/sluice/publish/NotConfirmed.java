package dev.sluice.publish;

import java.io.Serial;

/** Redis did not confirm a publication, and may or may not have published it. */
public final class NotConfirmed extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    NotConfirmed(Throwable cause) {
        super(cause.getMessage(), cause, false, false);
    }
}
