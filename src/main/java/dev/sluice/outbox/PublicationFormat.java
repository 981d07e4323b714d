package dev.sluice.outbox;

import dev.sluice.route.Channel;

/** The format of publications on a connection, the payload alone or with a header, and of notices of dropped ones. Thread-safe. */
public interface PublicationFormat {

    /** Whether a message may be longer than its payload, by up to {@link PublicationBatch#maxHeader}. */
    boolean addsHeader();

    /**
     * Returns the bytes of the message; never modified.
     *
     * @param complete whether everything that was published before it has been sent on the connection
     */
    byte[] encode(Channel channel, Payload payload, boolean complete);

    /** Returns the bytes of a {@link Frame.Missed}, not longer than its length; never modified. */
    byte[] missed(Channel channel, int count);
}
