package dev.sluice.route;

/** What is kept of a channel's publications for those who subscribe later. */
public enum Retain {
    /** Nothing. */
    NONE,
    /** The newest. */
    LAST
}
