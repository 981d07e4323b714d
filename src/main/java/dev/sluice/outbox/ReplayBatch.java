package dev.sluice.outbox;

import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.List;

/**
 * Publications of several channels that are replayed to one connection. None is dropped in favour of a newer one, and
 * none states that everything before it has been sent. One thread builds it.
 */
public final class ReplayBatch implements Frame {

    private final PublicationFormat format;
    private final List<Channel> channels = new ArrayList<>();
    private final List<Payload> payloads = new ArrayList<>();
    private int bytes;

    /** Creates a replay without publications, for a connection of that format. */
    public ReplayBatch(PublicationFormat format) {
        this.format = format;
    }

    /** Adds a publication after the earlier ones. */
    public void add(Channel channel, Payload payload) {
        channels.add(channel);
        payloads.add(payload);
        bytes += Frame.encodedLength(payload.bytes().length) + format.overhead(channel, payload);
    }

    /** Returns a replay of one of the publications. */
    ReplayBatch only(int index) {
        ReplayBatch one = new ReplayBatch(format);
        one.add(channels.get(index), payloads.get(index));
        return one;
    }

    /** The number of publications. */
    public int count() {
        return payloads.size();
    }

    /** Returns the channel of a publication. */
    public Channel channel(int index) {
        return channels.get(index);
    }

    /** Returns a publication, in the order of sending. */
    public Payload get(int index) {
        return payloads.get(index);
    }

    /** At most. */
    @Override
    public int length() {
        return bytes;
    }
}
