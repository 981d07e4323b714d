package dev.sluice.access;

import java.util.Map;

/** The result of verifying a token. */
public sealed interface TokenResult {

    /**
     * The token is valid.
     *
     * @param identity the user it authenticates
     * @param claims all claims of the token
     */
    record Accepted(AuthenticatedUser identity, Map<String, Object> claims) implements TokenResult {
        /** Creates a result without claims. */
        public Accepted(AuthenticatedUser identity) {
            this(identity, Map.of());
        }
    }

    /**
     * The token is invalid, and will never become valid.
     *
     * @param reason what is wrong, for metrics
     * @param message what is wrong, for the client; contains nothing about the keys
     */
    record Refused(Reason reason, String message) implements TokenResult {
        /** Returns what is wrong, as a sentence of a problem response. */
        public String sentence() {
            return "The " + message;
        }
    }

    /** Why a token is invalid. */
    enum Reason {
        /** It is not a signed token. */
        TOKEN,
        /** No known key has signed it, or the algorithm is not accepted. */
        SIGNATURE,
        /** It has expired. */
        EXPIRED,
        /** It is for another audience. */
        AUDIENCE,
        /** It is from another issuer. */
        ISSUER,
        /** It is not an access token. */
        TYPE,
        /** A claim is missing or invalid. */
        CLAIMS
    }

    /** The token is valid, but the connect webhook refused its user. */
    record Forbidden() implements TokenResult {
        /** What is wrong, for the client. */
        public static final String MESSAGE = "you may not connect";

        /** The same, as a sentence of a problem response. */
        public static final String SENTENCE = "You may not connect";
    }

    /** No decision now: the keys can't be fetched, or the connect webhook does not answer. */
    record Unavailable() implements TokenResult {}

    /**
     * No known key has signed the token, and newer keys can't be fetched yet: it is forged, or signed with a key that this pod
     * does not know.
     */
    record Undecided() implements TokenResult {}
}
