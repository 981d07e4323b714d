package dev.sluice.route;

/** What happens to publications for a slow connection. */
public enum Overflow {
    /** Only the newest publication of each channel waits, and the client gets the number of missed ones. */
    LATEST,
    /** All publications wait in order; when they are too many, the connection is closed. */
    CLOSE
}
