package dev.sluice.access;

import dev.sluice.span.Span;

/** Whether a user may listen to a channel. */
public enum Decision {
    /** The user may. */
    ALLOWED,
    /** The user may not. */
    FORBIDDEN,
    /** No decision can be had now, so the user may not for the moment. */
    UNKNOWN;

    /** Ends the span of a request to listen. */
    public void end(Span span) {
        if (this == UNKNOWN) {
            span.fail("unknown");
        } else {
            span.end(this);
        }
    }
}
