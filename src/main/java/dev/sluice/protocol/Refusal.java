package dev.sluice.protocol;

import dev.sluice.access.TokenResult;
import java.util.Locale;

/** The reason of a failed authentication. */
public enum Refusal {
    /** No auth message in time. */
    TIMEOUT(true),
    /** The first message is a JSON object, but not an auth message with a token. */
    NOT_AUTH(true),
    /** The token is not a signed token. */
    TOKEN(true),
    /** No known key has signed the token. */
    SIGNATURE(true),
    /** The token has expired. */
    EXPIRED(true),
    /** The token is for another audience. */
    AUDIENCE(true),
    /** The token is from another issuer. */
    ISSUER(true),
    /** The token is not an access token. */
    TYPE(true),
    /** A claim of the token is missing or invalid. */
    CLAIMS(true),
    /** The token is valid, but the connect webhook refused its user. */
    WEBHOOK(true),
    /** The first message is not a JSON object. */
    NOT_JSON(false),
    /** The client sent too many messages before the answer to its auth message. */
    FLOOD(false),
    /** The token can't be verified now, because the keys are unavailable. */
    UNAVAILABLE(false),
    /** No known key has signed the token, and newer ones can't be fetched yet. */
    UNDECIDED(false);

    private final boolean announced;

    Refusal(boolean announced) {
        this.announced = announced;
    }

    /** Returns the refusal with the same name. */
    public static Refusal of(TokenResult.Reason reason) {
        return switch (reason) {
            case TOKEN -> TOKEN;
            case SIGNATURE -> SIGNATURE;
            case EXPIRED -> EXPIRED;
            case AUDIENCE -> AUDIENCE;
            case ISSUER -> ISSUER;
            case TYPE -> TYPE;
            case CLAIMS -> CLAIMS;
        };
    }

    /** Whether an {@code auth_error} precedes the close; clients of the Python system then stop for good. */
    public boolean announced() {
        return announced;
    }

    /** The name used in metrics. */
    public String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
