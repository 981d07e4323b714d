package dev.sluice.access;

import java.util.Map;

/** What became of a token. */
public sealed interface TokenResult {

    /**
     * The token is good.
     *
     * @param identity who has shown it
     * @param claims all that it says
     */
    record Accepted(AuthenticatedUser identity, Map<String, Object> claims) implements TokenResult {
        /** Of a token whose claims are of no interest. */
        public Accepted(AuthenticatedUser identity) {
            this(identity, Map.of());
        }
    }

    /**
     * The token is not good, and never will be.
     *
     * @param reason what is wrong, for metrics
     * @param message what is wrong, for its bearer; says nothing about the keys
     */
    record Refused(Reason reason, String message) implements TokenResult {}

    /** What can be wrong with a token. */
    enum Reason {
        /** It is no signed token at all. */
        TOKEN,
        /** No key that is known has signed it, or by an algorithm that is not accepted. */
        SIGNATURE,
        /** Its time is over. */
        EXPIRED,
        /** It is for somebody else. */
        AUDIENCE,
        /** It is of another issuer. */
        ISSUER,
        /** It is no access token. */
        TYPE,
        /** A claim is missing or can't be accepted. */
        CLAIMS
    }

    /** The token is good, but a backend says that its bearer may not connect. */
    record Forbidden() implements TokenResult {
        /** What is wrong, for the bearer. */
        public static final String MESSAGE = "you may not connect";
    }

    /** Whether the bearer may connect can't be told now: the keys can't be fetched, or the backend does not answer. */
    record Unavailable() implements TokenResult {}

    /**
     * No key that is known has signed the token, and newer ones can't be asked for yet: it may be forged, or signed with a
     * key of which this pod has not heard.
     */
    record Undecided() implements TokenResult {}
}
