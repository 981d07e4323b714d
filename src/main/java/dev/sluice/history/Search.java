package dev.sluice.history;

import dev.sluice.clock.Position;
import dev.sluice.history.Replay.Entry;
import dev.sluice.history.Replay.Reason;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.Watermark;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds the publications of some channels between a position and the head of a log. Used once, by one thread. */
final class Search {

    /**
     * The most entries of other channels in the same slots that a search passes; this takes one or two milliseconds.
     */
    static final int MAX_PASSED = 1 << 14;

    /** Memory of the objects around a name and a payload, in bytes. */
    static final int OVERHEAD = 200;

    private final PublicationLog log;
    private final long maxBytes;
    private final long since;
    private final Watermark end;
    private final Position upTo;
    private final List<Entry> found = new ArrayList<>();
    private long bytes;
    private int passed;

    /** Searches for publications after an offset and up to a point, with a maximum of bytes. */
    Search(PublicationLog log, long maxBytes, long since, Watermark end) {
        this.log = log;
        this.maxBytes = maxBytes;
        this.since = since;
        this.end = end;
        this.upTo = end.position();
    }

    Replay find(Collection<Channel> channels) {
        for (Channel channel : new HashSet<>(channels)) {
            Reason refusal = find(channel);
            if (refusal != null) {
                return new Replay.Refused(refusal);
            }
        }
        // Sequence numbers rise with the positions.
        found.sort(Comparator.comparingLong(entry -> entry.payload().sequence()));
        return new Replay.Recovered(found, end);
    }

    private @Nullable Reason find(Channel channel) {
        if (log.newestEvicted(channel) > since) {
            return Reason.TOO_OLD;
        }
        Segment segment = null;
        try {
            long address = log.newest(channel);
            while (address != 0) {
                if (segment == null || !segment.holds(address)) {
                    unpin(segment);
                    segment = log.pin(address);
                    if (segment == null) {
                        // The segment is evicted, so all older entries are evicted as well.
                        return log.newestEvicted(channel) > since ? Reason.TOO_OLD : null;
                    }
                }
                int at = Segment.index(address);
                if (segment.offset(at) <= since) {
                    return null;
                }
                if (!take(segment, at, channel)) {
                    return Reason.TOO_MUCH;
                }
                address = segment.previous(at);
            }
            return null;
        } finally {
            unpin(segment);
        }
    }

    private boolean take(Segment segment, int at, Channel channel) {
        if (segment.offset(at) > upTo.offset() || !segment.isOn(at, channel)) {
            return ++passed <= MAX_PASSED;
        }
        bytes += segment.length(at) + OVERHEAD;
        if (bytes > maxBytes) {
            return false;
        }
        Position position = log.position(segment, at, channel);
        found.add(new Entry(
                channel, Payload.of(segment.sequence(at), position, segment.payload(at), segment.receivedAt(at))));
        return true;
    }

    private static void unpin(@Nullable Segment segment) {
        if (segment != null) {
            segment.unpin();
        }
    }
}
