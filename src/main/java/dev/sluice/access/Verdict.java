package dev.sluice.access;

/** What became of a token. */
public sealed interface Verdict {

    /**
     * The token is good.
     *
     * @param bearer who has shown it
     */
    record Accepted(Bearer bearer) implements Verdict {}

    /**
     * The token is not good, and never will be.
     *
     * @param message what is wrong, for its bearer; says nothing about the keys
     */
    record Refused(String message) implements Verdict {}

    /** Whether the token is good can't be told now, because the keys can't be fetched. */
    record Unavailable() implements Verdict {}
}
