package dev.sluice.registry;

/** How an attempt to subscribe ended. */
public enum Subscribed {
    /** The connection hears the channel from now on. */
    YES,
    /** Nothing has changed: there was such a subscription. */
    ALREADY,
    /** There are as many subscriptions as allowed. */
    TOO_MANY,
    /** The connection has ended. */
    GONE
}
