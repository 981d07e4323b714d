package dev.sluice.access;

/** Whether a user may listen to a channel. */
public enum Decision {
    /** They may. */
    ALLOWED,
    /** They may not. */
    FORBIDDEN,
    /** It can't be found out now, so they may not for the moment. */
    UNKNOWN
}
