package dev.sluice.outbox;

import dev.sluice.route.Channel;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The publications held back while a socket is full: the newest of each channel, in the order in which their channels
 * were first held, and the number of skipped ones. Confined to the event loop of its outbox.
 */
final class ConflatedQueue {

    /**
     * The newest publication of a channel, and how many before it were dropped.
     *
     * @param receivers how many connections share its bytes
     * @param header how many bytes its header has at most
     */
    record Newest(Channel channel, Payload payload, int missed, int receivers, int header) {

        /** Returns the bytes of memory, including the {@code missed} message that precedes it. */
        int cost() {
            return bytes() + own();
        }

        /** Returns its share of the memory, see {@link Frame#share}. */
        int share() {
            return bytes() / receivers + own();
        }

        private int bytes() {
            return Frame.encodedLength(payload.bytes().length) + header;
        }

        private int own() {
            return Frame.OVERHEAD + (missed > 0 ? Frame.Missed.maxCost(channel) : 0);
        }
    }

    private final @Nullable PublicationFormat headers;
    private final Map<Channel, Newest> byChannel = new LinkedHashMap<>();
    private int cost;
    private int share;

    /**
     * Creates an empty queue.
     *
     * @param headers see {@link FrameWriter#headers}
     */
    ConflatedQueue(@Nullable PublicationFormat headers) {
        this.headers = headers;
    }

    boolean isEmpty() {
        return byChannel.isEmpty();
    }

    /** Returns the charged bytes of memory. */
    int cost() {
        return cost;
    }

    /** Returns its share of the memory in bytes, see {@link Frame#share}. */
    int share() {
        return share;
    }

    /** Returns the entry that the run would leave for its channel; {@code null} if the held publication is as new. */
    @Nullable
    Newest after(PublicationBatch batch) {
        Newest before = byChannel.get(batch.channel());
        int header = headers == null ? 0 : headers.overhead(batch.channel(), batch.last());
        if (before == null) {
            return new Newest(batch.channel(), batch.last(), batch.count() - 1, batch.receivers(), header);
        }
        return before.payload.sequence() >= batch.last().sequence()
                ? null
                : new Newest(batch.channel(), batch.last(), before.missed + batch.count(), batch.receivers(), header);
    }

    /** Returns how many more bytes of memory would be charged if the entry were held; may be negative. */
    int added(Newest newest) {
        Newest before = byChannel.get(newest.channel);
        return newest.cost() - (before == null ? 0 : before.cost());
    }

    /**
     * Replaces the held entry of the channel.
     *
     * @return how many publications have been dropped by that
     */
    int hold(Newest newest) {
        cost += added(newest);
        Newest before = byChannel.put(newest.channel, newest);
        share += newest.share() - (before == null ? 0 : before.share());
        return newest.missed - (before == null ? 0 : before.missed);
    }

    /** Removes and returns the oldest entry; the queue must not be empty. */
    Newest next() {
        return remove(byChannel.keySet().iterator().next());
    }

    /** Returns the entry of the channel; {@code null} if there is none. */
    @Nullable
    Newest of(Channel channel) {
        return byChannel.get(channel);
    }

    /** Drops the entry of the channel. */
    void drop(Channel channel) {
        if (byChannel.containsKey(channel)) {
            remove(channel);
        }
    }

    private Newest remove(Channel channel) {
        Newest held = Objects.requireNonNull(byChannel.remove(channel));
        cost -= held.cost();
        share -= held.share();
        return held;
    }
}
