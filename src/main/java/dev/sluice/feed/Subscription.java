package dev.sluice.feed;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One subscription to Redis, from connecting to its end; it is never reconnected. What it hears goes to the {@link
 * FeedListener} directly. Confined to the feed's thread.
 */
interface Subscription {

    /** Closes the connection in whatever state it is, and hands nothing on from now on. Idempotent. */
    void close();

    /** Stops reading, or goes on; what has been read already may still come. Idempotent. */
    void pause(boolean paused);

    /** Messages heard so far on the patterns, whatever became of them. */
    long messages();

    /**
     * Publishes on the clock's channel, on the subscription's own connection. False where Redis does not allow that, or
     * where ticks can't be heard: {@link BeatConnection#tick} may do then.
     */
    boolean tick(String text);

    /** Connects a publisher whose beats this subscription hears. */
    BeatConnection connectPublisher(BeatConnection.Listener listener);

    /** Opens subscriptions. */
    @FunctionalInterface
    interface Opener {
        Subscription open(Listener listener);
    }

    /** Receives the life cycle of one subscription, on the feed's thread. */
    interface Listener {

        /** Redis has acknowledged every pattern and name. */
        void subscribed();

        /** No other pod hears the clock's channel. Follows {@link #subscribed}, and not always. */
        void alone();

        /** One read brought these publications; in order with {@link #ticked}. */
        void published(List<Publication> publications);

        /** A message was published on the clock's channel; {@code null} where it is longer than a tick. */
        void ticked(@Nullable String text);

        /** A beat has come back; anybody may have published it. */
        void heard(long beat);

        /** The subscription has ended: cleanly ({@code null}) or with a cause. Called any number of times. */
        void ended(@Nullable Throwable cause);
    }
}
