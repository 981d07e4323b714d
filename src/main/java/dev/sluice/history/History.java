package dev.sluice.history;

import dev.sluice.clock.Position;
import dev.sluice.config.HistoryConfig;
import dev.sluice.config.SluiceConfig;
import dev.sluice.history.Replay.Ahead;
import dev.sluice.history.Replay.Entry;
import dev.sluice.history.Replay.Reason;
import dev.sluice.history.Replay.Recovered;
import dev.sluice.history.Replay.Refused;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The newest publications of all channels whose route keeps a history, so that a client that comes back is sent exactly what
 * it missed. Written by the thread that reads Redis, read by any.
 */
@Singleton
public final class History {

    /** What the objects around a name and a payload take. */
    private static final int OVERHEAD = 200;

    private final long maxBytes;
    private final long maxReplay;
    private final ArrayDeque<Kept> entries = new ArrayDeque<>();
    private long bytes;
    private long adoption;
    private @Nullable Position followed;
    private @Nullable Position head;
    private long evicted;

    @Inject
    History(SluiceConfig config) {
        this(config.history());
    }

    History(HistoryConfig config) {
        this.maxBytes = config.maxBytes().asLongValue();
        this.maxReplay = config.maxReplay().asLongValue();
    }

    /**
     * Says that all publications up to a position have been appended, and that the next is counted from there. The history
     * begins anew where they are not known to have been: in another era, or behind the head.
     *
     * @param position {@code null} where this pod can't name positions; the history is then empty
     */
    public synchronized void follow(@Nullable Position position) {
        if (position == null
                || head == null
                || !position.era().equals(head.era())
                || position.offset() < head.offset()) {
            entries.clear();
            bytes = 0;
            adoption = position == null ? 0 : position.offset();
            evicted = 0;
        }
        followed = position;
        head = position;
    }

    /**
     * Adds a publication; {@link #head} moves to it. Not kept where this pod can't name it, or where it is too large.
     *
     * @param sequence see {@link Payload}
     * @param messages how many messages after the position of the last {@link #follow} it was heard
     * @param channel of a route that keeps a history
     * @param bytes the name of the channel, then the payload
     * @param receivedAt see {@link Payload}
     */
    public synchronized void append(long sequence, int messages, Channel channel, byte[] bytes, long receivedAt) {
        Position position = followed == null ? null : followed.plus(messages);
        if (position == null) {
            follow(null);
            return;
        }
        head = position;
        byte[] payload = Arrays.copyOfRange(bytes, channel.length(), bytes.length);
        Entry entry = new Entry(channel.compact(), Payload.of(sequence, position, payload, receivedAt));
        entries.add(new Kept(position.offset(), entry));
        this.bytes += cost(entry);
        while (this.bytes > maxBytes) {
            Kept oldest = entries.remove();
            this.bytes -= cost(oldest.entry());
            evicted = oldest.offset();
        }
    }

    /** All publications up to it are there; {@code null} where this pod can't name positions. */
    public synchronized @Nullable Position head() {
        return head;
    }

    /** Everything that was published on the channels after a position, or why not. */
    public synchronized Replay read(Position since, Collection<Channel> channels) {
        if (head == null
                || channels.stream().anyMatch(channel -> !channel.route().history())) {
            return new Refused(Reason.UNKNOWN);
        }
        if (!since.era().equals(head.era())) {
            return new Refused(Reason.MISMATCH);
        }
        if (since.offset() > head.offset()) {
            return new Ahead();
        }
        if (since.offset() < adoption) {
            return new Refused(Reason.GAP);
        }
        if (since.offset() < evicted) {
            return new Refused(Reason.TOO_OLD);
        }
        List<Entry> found = new ArrayList<>();
        long size = 0;
        for (Kept kept : entries) {
            Entry entry = kept.entry();
            if (kept.offset() > since.offset() && channels.contains(entry.channel())) {
                found.add(entry);
                size += cost(entry);
            }
        }
        return size > maxReplay ? new Refused(Reason.TOO_MUCH) : new Recovered(found, head);
    }

    private record Kept(long offset, Entry entry) {}

    private static long cost(Entry entry) {
        return (long) entry.channel().length() + entry.payload().bytes().length + OVERHEAD;
    }
}
