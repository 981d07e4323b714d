package dev.sluice.span;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A step in the handling of a request. Attributes must not contain tokens or payloads. Children may start after the end.
 * Thread-safe.
 */
public interface Span {

    /** Records nothing. */
    Span NONE = new Span() {};

    /** Starts a child. */
    default Span child(String name) {
        return this;
    }

    /** Starts a child that is a request to another server. */
    default Span call(String name) {
        return this;
    }

    /** Sets an attribute; returns this span. */
    default Span set(String key, String value) {
        return this;
    }

    /** Ends the span. Only the first end counts. */
    default void end(String outcome) {}

    /** Ends the span with a failure of this server or one that it needs. Only the first end counts. */
    default void fail(String outcome) {}

    /** Returns the value of this header for a request to another server; {@code null} if there is none. */
    default @Nullable String header(String name) {
        return null;
    }

    /** Ends the span with the outcome's name. */
    default void end(Enum<?> outcome) {
        end(outcome.name().toLowerCase(Locale.ROOT));
    }

    /** Ends the span with the HTTP status of the answer. */
    default void answered(int status) {
        if (status < 500) {
            end(String.valueOf(status));
        } else {
            fail(String.valueOf(status));
        }
    }
}
