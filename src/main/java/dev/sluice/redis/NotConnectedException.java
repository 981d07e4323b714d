package dev.sluice.redis;

import java.io.Serial;

/** No connection could be made, so that Redis has not executed the command. */
final class NotConnectedException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    NotConnectedException(Throwable cause) {
        super(cause.getMessage(), cause, false, false);
    }
}
