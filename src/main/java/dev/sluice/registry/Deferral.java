package dev.sluice.registry;

/**
 * A connection that does not receive a channel until older publications have been sent to it. Confined to the
 * connection's event loop, except where stated otherwise.
 */
public interface Deferral {

    /**
     * Runs an action on the event loop, before anything is delivered to the connection that is handed over from now on.
     * Thread-safe.
     */
    void execute(Runnable action);

    /** Whether the connection still listens to the channel, without having left it meanwhile. */
    boolean hears();

    /** Whether this is the connection's last deferral of the channel, and has not ended. */
    boolean lasts();

    /** Lets the connection receive publications whose sequence is higher. Does nothing unless it {@link #lasts}. */
    void end(long sequence);
}
