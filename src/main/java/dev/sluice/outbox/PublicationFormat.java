package dev.sluice.outbox;

import dev.sluice.route.Channel;
import org.jspecify.annotations.Nullable;

/** The format of publications on a connection, the payload alone or with a header, and of notices of dropped ones. Thread-safe. */
public interface PublicationFormat {

    /** Whether a message may be longer than its payload. */
    boolean addsHeader();

    /**
     * Returns the most bytes that a message and its framing have above {@link Frame#encodedLength} of the payload.
     * Called once for each run, not for each receiver.
     */
    int overhead(Channel channel, Payload payload);

    /**
     * Returns the bytes of the message, never modified; {@code null} where the format can't carry the payload.
     *
     * @param complete whether everything that was published before it has been sent on the connection
     */
    byte @Nullable [] encode(Channel channel, Payload payload, boolean complete);

    /** Whether messages that follow one another may be one text message, each in a line of its own. */
    default boolean joins() {
        return false;
    }

    /** Returns the bytes of a {@link Frame.Missed}, not longer than its length; never modified. */
    byte[] missed(Channel channel, int count);
}
