package dev.sluice.route;

/** Who hears the publications of a route. */
public enum Audience {
    /** The user that the channel's id names. */
    USER,
    /** The users who asked for the channel. */
    SUBSCRIBERS
}
