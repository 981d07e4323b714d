package dev.sluice.config;

/** The owner of a subscription. */
public enum Scope {
    /** To the user: it reaches all connections of the user and ends with the last of them. */
    USER,
    /** To the connection it was made on. */
    CONNECTION
}
