package dev.sluice.route;

/** Which publications of a channel are kept for later subscribers. */
public enum Retain {
    /** None. */
    NONE,
    /** The newest one. */
    LAST
}
