package dev.sluice.publish;

import java.io.Serial;

/** The key of a channel holds something other than a stream, so that Redis added no entry. */
public final class NotAStream extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    NotAStream(Throwable cause) {
        super(cause.getMessage(), cause, false, false);
    }
}
