package dev.sluice.protocol;

import dev.sluice.access.TokenResult;
import java.util.Locale;

/** The reason of a failed authentication, with its close code. */
public enum Refusal {
    /** No auth message in time. */
    TIMEOUT(4001, true),
    /** The first message is a JSON object, but not an auth message with a token. */
    NOT_AUTH(4002, true),
    /** The token is not a signed token. */
    TOKEN(4003, true),
    /** No known key has signed the token. */
    SIGNATURE(4003, true),
    /** The token has expired. */
    EXPIRED(4003, true),
    /** The token is for another audience. */
    AUDIENCE(4003, true),
    /** The token is from another issuer. */
    ISSUER(4003, true),
    /** The token is not an access token. */
    TYPE(4003, true),
    /** A claim of the token is missing or invalid. */
    CLAIMS(4003, true),
    /** The token is valid, but the connect webhook refused its user. */
    WEBHOOK(4003, true),
    /** The first message is not a JSON object. */
    NOT_JSON(4004, false),
    /** The client sent too many messages before the answer to its auth message. */
    FLOOD(4029, false),
    /** The token can't be verified now, because the keys are unavailable. */
    UNAVAILABLE(1013, false),
    /** No known key has signed the token, and newer ones can't be fetched yet. */
    UNDECIDED(1013, false);

    private final int closeCode;
    private final boolean announced;

    Refusal(int closeCode, boolean announced) {
        this.closeCode = closeCode;
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

    public int closeCode() {
        return closeCode;
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
