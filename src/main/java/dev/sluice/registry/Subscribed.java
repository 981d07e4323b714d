package dev.sluice.registry;

/** The result of a subscribe. */
public enum Subscribed {
    /** The connection hears the channel from now on. */
    YES,
    /** The subscription existed already. */
    ALREADY,
    /** The maximum number of subscriptions is reached. */
    TOO_MANY,
    /** The connection has ended. */
    GONE
}
