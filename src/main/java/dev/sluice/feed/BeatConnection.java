package dev.sluice.feed;

import org.jspecify.annotations.Nullable;

/** A connection that publishes beats; it is never reconnected. Confined to the feed's thread. */
interface BeatConnection {

    /** Publishes a beat; does nothing before the connection is made. A failure ends the connection. */
    void publish(long number);

    /**
     * Publishes a message on the clock's channel, for subscriptions that can't do so themselves. Does nothing before
     * the connection is made, or if Redis does not say which server it is.
     */
    void tick(String text);

    /** Closes the connection. Idempotent. */
    void close();

    /** Receives the life cycle of one connection, on the feed's thread. */
    interface Listener {

        /** The connection is made, so beats can be published. */
        void connected();

        /** Redis has confirmed the publication of the beat. */
        default void confirmed(long number) {}

        /**
         * The connection has ended or could not be made: cleanly ({@code null}) or with a cause. Called any number of times,
         * also after {@link BeatConnection#close}.
         */
        void ended(@Nullable Throwable cause);
    }
}
