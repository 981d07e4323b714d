package dev.sluice.config;

/** The owner of a subscription. */
public enum Scope {
    /** The user: a subscription applies to all connections of the user, and ends with the last of them. */
    USER,
    /** The connection that subscribed. */
    CONNECTION
}
