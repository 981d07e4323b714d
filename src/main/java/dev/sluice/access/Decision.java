package dev.sluice.access;

/** Whether a user may listen to a channel. */
public enum Decision {
    /** The user may. */
    ALLOWED,
    /** The user may not. */
    FORBIDDEN,
    /** There is no decision now, so the user may not for the moment. */
    UNKNOWN
}
