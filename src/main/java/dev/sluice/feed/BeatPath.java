package dev.sluice.feed;

import org.jspecify.annotations.Nullable;

/** A connection that publishes beats, with the beats of it that are awaited. Confined to the feed's thread. */
final class BeatPath {

    private final Canary canary;
    private final long deadlineNanos;
    private @Nullable BeatConnection connection;
    private boolean connected;
    private long newest;

    /**
     * A path without a connection yet.
     *
     * @param canary for the beats of this path only
     * @param deadlineNanos {@link Time#nanos()} by which it must be connected
     */
    BeatPath(Canary canary, long deadlineNanos) {
        this.canary = canary;
        this.deadlineNanos = deadlineNanos;
    }

    /** Begins to connect. */
    void connect(Subscription subscription, BeatConnection.Listener listener) {
        connection = subscription.connectPublisher(listener);
    }

    void connected() {
        connected = true;
    }

    /** Whether it has taken too long to connect. */
    boolean late(long nanos) {
        return !connected && nanos - deadlineNanos >= 0;
    }

    /** Whether as many beats are awaited as may be missed; no more are published then. */
    boolean silent() {
        return canary.silent();
    }

    /** Publishes a beat and awaits it, unless it is not connected or silent; whether it did. */
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

    /** The beat of that number if this path awaits it. */
    Canary.@Nullable Heard heard(long number) {
        return canary.heard(number);
    }

    /**
     * Whether its beats go to another server than the subscription's: as many as may be missed were not heard, although a
     * later beat of the other path was. A subscription that is behind delays both paths alike.
     *
     * @param heard the largest number of a beat of the other path that was heard
     */
    boolean lost(long heard) {
        return connected && canary.silent() && heard > newest;
    }

    /** Awaits no beat any more, because reading is paused. */
    void forget() {
        canary.forget();
    }

    void close() {
        if (connection != null) {
            connection.close();
        }
    }
}
