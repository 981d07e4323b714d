package dev.sluice.protocol;

import java.util.Locale;

/** What an {@code error} frame says of the client's message it answers. */
public enum ErrorCode {
    /** Not a JSON object of a known form. */
    BAD_MESSAGE,
    /** Unknown action. */
    UNKNOWN_ACTION,
    /** Malformed, of an unknown prefix, or not one to subscribe to. */
    BAD_CHANNEL,
    /** This user may not listen to it. */
    FORBIDDEN,
    /** The token is not good. */
    UNAUTHORIZED,
    /** As many subscriptions as allowed. */
    TOO_MANY_SUBSCRIPTIONS,
    /** It can't be told now; trying again later may help. */
    UNAVAILABLE;

    /** The form it has on the wire. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
