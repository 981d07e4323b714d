package dev.sluice.feed;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One subscription to Redis, from connecting to its end; it never reconnects. It passes messages to the {@link
 * FeedListener} directly. Confined to the feed's thread.
 */
interface Subscription {

    /** Closes the connection in any state, and passes nothing on from now on. Idempotent. */
    void close();

    /** Pauses or resumes reading; data that has already been read may still arrive. Idempotent. */
    void pause(boolean paused);

    /** Returns the number of messages heard on the patterns, including dropped ones. */
    long messages();

    /**
     * Publishes on the clock's channel, on the subscription's own connection. Returns false if Redis does not allow
     * that, or if ticks can't be heard; then {@link BeatConnection#tick} may work.
     */
    boolean tick(String text);

    /** Whether its publications can have positions. */
    default boolean hasClock() {
        return true;
    }

    /**
     * Whether Redis acknowledges nothing any more. To be called at each beat while the connection is read.
     *
     * @param beats the number of beats within which it must acknowledge something
     */
    default boolean isStuck(int beats) {
        return false;
    }

    /**
     * Returns from when on everything is heard, once the first beat has been.
     *
     * @param subscribed when the subscription was acknowledged
     * @param firstBeat when that beat was published
     */
    default Instant heardFrom(Instant subscribed, Instant firstBeat) {
        return subscribed;
    }

    /**
     * Returns until when everything was heard.
     *
     * @param lastBeat when the last beat was published that was heard
     */
    default Instant heardUntil(Instant lastBeat) {
        return lastBeat;
    }

    /** Connects a publisher whose beats this subscription hears. */
    BeatConnection connectPublisher(BeatConnection.Listener listener);

    /** Opens subscriptions. */
    @FunctionalInterface
    interface Opener {
        Subscription open(Listener listener);
    }

    /** Receives the life cycle of one subscription, on the feed's thread. */
    interface Listener {

        /** Redis has acknowledged every pattern and name that has been wanted so far. */
        void subscribed();

        /** Clients wait for the next tick. */
        default void awaited() {}

        /** No other pod subscribes to the clock's channel. May follow {@link #subscribed}. */
        void alone();

        /** Ticks come on another channel from now on, and are published there. */
        default void clockChanged() {}

        /** One read contained these publications; called in order with {@link #ticked}. */
        void published(List<Publication> publications);

        /** A message was published on the clock's channel; {@code null} where it is longer than a tick. */
        void ticked(@Nullable String text);

        /** A beat was heard; any Redis client may have published it. */
        void heard(long beat);

        /** It may have missed publications since the instant; from now on it hears everything again. */
        default void missed(Instant since) {}

        /** The subscription has ended: cleanly ({@code null}) or with a cause. Called any number of times. */
        void ended(@Nullable Throwable cause);
    }
}
