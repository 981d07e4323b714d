package dev.sluice.feed;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One attempt at a subscription, from connecting to its end. It is opened once and never comes back. */
interface Subscription {

    /** Cuts the connection, whatever state it is in. Idempotent; events may follow, and mean nothing any more. */
    void close();

    /** Stops reading, or goes on; what has been read already may still come. Idempotent. */
    void pause(boolean paused);

    /** Publishes a beat, which is to come back as an event; where that fails the link is over. */
    void beat(long number);

    /**
     * Makes another connection for beats; one that was begun before is given up. Its end, which is told to the events,
     * does not end the link.
     */
    void renew();

    /** Publishes a beat on the new connection. */
    void beatAnew(long number);

    /** Publishes beats on the new connection from now on, and closes the one before it. */
    void adopt();

    /** Closes the new connection. */
    void giveUpRenewal();

    /** Opens links; what happens to one is told to its events. */
    @FunctionalInterface
    interface Opener {
        Subscription open(Events events);
    }

    /** What a link tells, all of it on the supervisor's thread. */
    interface Events {
        /** Redis has acknowledged every pattern. */
        void subscribed();

        /** Redis has sent these, in this order, at least one; must not throw. */
        void published(List<Publication> batch);

        /** Redis has sent a beat back. */
        void heard(long beat);

        /** The new connection can publish beats. */
        void renewed();

        /** The new connection can't be made, or has ended: cleanly ({@code null}) or with a cause. */
        void renewalFailed(@Nullable Throwable cause);

        /** Redis has sent what was published on the pods' own channel. */
        void said(PodMessage message);

        /** The link is over: cleanly ({@code null}) or with a cause. Called any number of times. */
        void ended(@Nullable Throwable cause);
    }
}
