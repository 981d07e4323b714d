package dev.sluice.outbox;

import dev.sluice.route.Channel;

/** What a publication looks like on a connection: payload alone, or with a header. Safe for use by several threads. */
public interface PublicationFormat {

    /** Whether a message may be longer than its payload, by up to {@link PublicationBatch#maxHeader}. */
    boolean addsHeader();

    /**
     * The bytes of the message; never modified.
     *
     * @param complete whether everything that was published before it has been sent on the connection
     */
    byte[] encode(Channel channel, Payload payload, boolean complete);
}
