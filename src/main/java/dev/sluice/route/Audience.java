package dev.sluice.route;

/** The receivers of a route's publications. */
public enum Audience {
    /** The user that the channel's id names. */
    USER,
    /** The users who subscribed to the channel. */
    SUBSCRIBERS
}
