package dev.sluice.route;

/** What happens to publications for a connection that does not take what it is sent. */
public enum Overflow {
    /** Only the newest of each channel waits, and the client is told how many it missed. */
    LATEST,
    /** All wait, in order, until there are too many: then the connection is closed. */
    CLOSE
}
