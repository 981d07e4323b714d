package dev.sluice.access;

/** How many tokens may be kept for later, and how many characters they may have together. Safe for several threads. */
final class TokenBudget {

    private final int maxTokens;
    private final int maxCharacters;
    private int tokens;
    private int characters;

    TokenBudget(int maxTokens, int maxCharacters) {
        this.maxTokens = maxTokens;
        this.maxCharacters = maxCharacters;
    }

    /** Reserves room for a token until {@link #leave}; returns false if there is none. */
    synchronized boolean enter(int length) {
        if (tokens >= maxTokens || length > maxCharacters - characters) {
            return false;
        }
        tokens++;
        characters += length;
        return true;
    }

    /** How many characters have entered and not left. */
    synchronized int characters() {
        return characters;
    }

    /** Lets go of a token that has entered. */
    synchronized void leave(int length) {
        tokens--;
        characters -= length;
    }
}
