package dev.sluice.route;

/** Who may subscribe to the channels of a route. */
public enum Access {
    /** Whoever knows the id. */
    OPEN,
    /** Connections whose token names the channel in its {@code channels} claim. */
    CLAIM,
    /** Users whom the backend has put into a Redis set that goes with the channel. */
    OWNER,
    /** Users for whom a backend of ours says yes. */
    WEBHOOK
}
