package dev.sluice.access;

import java.util.Map;

/** What became of a token. */
public sealed interface Verdict {

    /**
     * The token is good.
     *
     * @param bearer who has shown it
     * @param claims all that it says
     */
    record Accepted(Bearer bearer, Map<String, Object> claims) implements Verdict {
        /** Of a token whose claims are of no interest. */
        public Accepted(Bearer bearer) {
            this(bearer, Map.of());
        }
    }

    /**
     * The token is not good, and never will be.
     *
     * @param message what is wrong, for its bearer; says nothing about the keys
     */
    record Refused(String message) implements Verdict {}

    /** The token is good, but a backend says that its bearer may not connect. */
    record Forbidden() implements Verdict {
        /** What is wrong, for the bearer. */
        public static final String MESSAGE = "you may not connect";
    }

    /** Whether the bearer may connect can't be told now: the keys can't be fetched, or the backend does not answer. */
    record Unavailable() implements Verdict {}
}
