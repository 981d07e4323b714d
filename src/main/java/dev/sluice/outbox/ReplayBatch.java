package dev.sluice.outbox;

import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.List;

/**
 * Publications of several channels, sent again to one connection. None is ever dropped in favour of a newer one, and none says
 * that everything before it has been sent. It grows while it is being gathered, by one thread.
 */
public final class ReplayBatch implements Frame {

    private final List<Channel> channels = new ArrayList<>();
    private final List<Payload> payloads = new ArrayList<>();
    private int bytes;

    /** Adds a publication that is sent after those before. */
    public void add(Channel channel, Payload payload) {
        channels.add(channel);
        payloads.add(payload);
        bytes += maxLength(channel, payload);
    }

    /** How many bytes a publication adds at most. */
    public static int maxLength(Channel channel, Payload payload) {
        return Frame.encodedLength(payload.bytes().length) + PublicationBatch.maxHeader(channel);
    }

    /** How many publications there are. */
    public int count() {
        return payloads.size();
    }

    /** The channel of one of them. */
    public Channel channel(int index) {
        return channels.get(index);
    }

    /** One of them, in the order in which they are sent. */
    public Payload get(int index) {
        return payloads.get(index);
    }

    /** At most. */
    @Override
    public int length() {
        return bytes;
    }
}
