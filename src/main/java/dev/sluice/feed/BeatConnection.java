package dev.sluice.feed;

import org.jspecify.annotations.Nullable;

/** A connection that publishes beats; it is never reconnected. Confined to the feed's thread. */
interface BeatConnection {

    /** Publishes a beat; before the connection is made, does nothing. A failure ends the connection. */
    void publish(long number);

    /**
     * Publishes on the clock's channel, where the subscription can't; does nothing before the connection is made, or where
     * Redis does not say which server it is.
     */
    void tick(String text);

    /** Idempotent. */
    void close();

    /** Receives the life cycle of one connection, on the feed's thread. */
    interface Listener {

        /** Beats can be published. */
        void connected();

        /**
         * The connection has ended or could not be made: cleanly ({@code null}) or with a cause. Called any number of times,
         * also after {@link BeatConnection#close}.
         */
        void ended(@Nullable Throwable cause);
    }
}
