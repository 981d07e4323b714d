package dev.sluice.feed;

import org.jspecify.annotations.Nullable;

/**
 * A new connection to the configured address, from the attempt to make it until a beat that it published is heard, which
 * proves that what others publish there is heard as well. Not safe for use by several threads.
 */
final class NewConnection {

    private final Canary canary;
    private final long deadlineNanos;
    private boolean connected;
    private long newest;

    /**
     * One that is being connected.
     *
     * @param canary awaits its beats, and no others
     * @param deadlineNanos when it must be connected
     */
    NewConnection(Canary canary, long deadlineNanos) {
        this.canary = canary;
        this.deadlineNanos = deadlineNanos;
    }

    Canary canary() {
        return canary;
    }

    void connected() {
        connected = true;
    }

    /** Whether it has taken too long to connect. */
    boolean late(long nanoTime) {
        return !connected && nanoTime - deadlineNanos >= 0;
    }

    /** Whether a beat is to be published on it now. */
    boolean wantsBeat() {
        return connected && !canary.silent();
    }

    /** Awaits a beat that is published on it now. */
    void await(long number) {
        newest = number;
        canary.await(number);
    }

    /** What a beat that was heard tells if it was published on this connection. */
    Canary.@Nullable Heard heard(long number) {
        return canary.heard(number);
    }

    /**
     * Whether its beats go elsewhere: as many as may be missed were not heard although a later one was that the connection
     * before it has published. A subscription that is behind is behind with both, so it does not matter here.
     *
     * @param heard the largest number of a beat of the other connection that was heard
     */
    boolean lost(long heard) {
        return connected && canary.silent() && heard > newest;
    }
}
