package dev.sluice.route;

/** Who may subscribe to the channels of a route. */
public enum Access {
    /** Whoever knows the id. */
    OPEN
}
