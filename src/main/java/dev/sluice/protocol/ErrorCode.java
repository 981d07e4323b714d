package dev.sluice.protocol;

import java.util.Locale;

/** The code of an {@code error} message. */
public enum ErrorCode {
    /** Not a JSON object of a known form. */
    BAD_MESSAGE,
    /** Unknown action. */
    UNKNOWN_ACTION,
    /** A channel that is malformed, has an unknown prefix, or can't be subscribed to. */
    BAD_CHANNEL,
    /** The user may not listen to the channel. */
    FORBIDDEN,
    /** The token is invalid. */
    UNAUTHORIZED,
    /** The maximum number of subscriptions is reached. */
    TOO_MANY_SUBSCRIPTIONS,
    /** There is no decision now; a later attempt may succeed. */
    UNAVAILABLE,
    /** The token has expired. */
    TOKEN_EXPIRED,
    /** The client has subscribed to the channel before. */
    ALREADY_SUBSCRIBED,
    /** What was published since the client's position can't be sent. */
    UNRECOVERABLE;

    /** The code as sent. */
    public String code() {
        return this == TOKEN_EXPIRED ? UNAUTHORIZED.code() : name().toLowerCase(Locale.ROOT);
    }
}
