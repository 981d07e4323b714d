package dev.sluice.feed;

import org.jspecify.annotations.Nullable;

/** A connection that publishes beats, and its beats that have not been heard yet. Confined to the feed's thread. */
final class BeatPath {

    private final Canary canary;
    private final long deadlineNanos;
    private @Nullable BeatConnection connection;
    private boolean connected;
    private long newest;

    /**
     * Creates a path that is not connected yet.
     *
     * @param canary for the beats of this path only
     * @param deadlineNanos {@link Time#nanos()} by which it must be connected
     */
    BeatPath(Canary canary, long deadlineNanos) {
        this.canary = canary;
        this.deadlineNanos = deadlineNanos;
    }

    /** Starts to connect. */
    void connect(Subscription subscription, BeatConnection.Listener listener) {
        connection = subscription.connectPublisher(listener);
    }

    void connected() {
        connected = true;
    }

    /** Whether connecting has taken too long. */
    boolean late(long nanos) {
        return !connected && nanos - deadlineNanos >= 0;
    }

    /** Whether the maximum number of missed beats is outstanding; then no more are published. */
    boolean silent() {
        return canary.silent();
    }

    /** Publishes a beat, unless it is not connected or {@link #silent}; returns whether it did. */
    boolean beat(long number) {
        if (connection == null || !connected || canary.silent()) {
            return false;
        }
        newest = number;
        canary.await(number);
        connection.publish(number);
        return true;
    }

    /** See {@link BeatConnection#tick}. */
    void tick(String text) {
        if (connection != null) {
            connection.tick(text);
        }
    }

    /** Returns the beat of that number, if it is outstanding on this path. */
    Canary.@Nullable Heard heard(long number) {
        return canary.heard(number);
    }

    /**
     * Whether its beats go to another server than the subscription's: the maximum number of its beats was missed,
     * although a later beat of the other path was heard. A slow subscription delays both paths equally.
     *
     * @param heard the largest number of a beat of the other path that was heard
     */
    boolean lost(long heard) {
        return connected && canary.silent() && heard > newest;
    }

    /** Discards outstanding beats, because reading is paused. */
    void forget() {
        canary.forget();
    }

    void close() {
        if (connection != null) {
            connection.close();
        }
    }
}
