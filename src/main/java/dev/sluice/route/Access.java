package dev.sluice.route;

/** Who may subscribe to the channels of a route. */
public enum Access {
    /** Every user who knows the id. */
    OPEN,
    /** Connections whose token names the channel in its {@code channels} claim. */
    CLAIM,
    /** Users in the channel's Redis set. */
    OWNER,
    /** Users whom a backend allows. */
    WEBHOOK
}
