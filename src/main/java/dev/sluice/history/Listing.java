package dev.sluice.history;

import dev.sluice.clock.Position;
import dev.sluice.history.Replay.Entry;
import dev.sluice.history.Replay.Reason;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Lists publications of one channel, oldest or newest first. Used once, by one thread. */
final class Listing {

    private final PublicationLog log;
    private final long maxBytes;
    private final Position upTo;
    private final Channel channel;
    private final long heard;

    /** The addresses of entries of the channel, the newest first. */
    private long[] addresses = new long[16];

    private int count;
    private int passed;

    /**
     * Lists publications up to a position, with a maximum of bytes.
     *
     * @param heard the offset since which the log has everything of the channel that it had not evicted
     */
    Listing(PublicationLog log, long maxBytes, Position upTo, Channel channel, long heard) {
        this.heard = heard;
        this.log = log;
        this.maxBytes = maxBytes;
        this.upTo = upTo;
        this.channel = channel;
    }

    /** Lists the newest ones before an offset, the newest first. */
    Replay newest(long before, int limit) {
        Reason refusal = walk(heard, before, limit);
        if (refusal == Reason.TOO_MUCH) {
            return new Replay.Refused(refusal);
        }
        List<Entry> found = new ArrayList<>();
        take(0, 1, limit, found);
        return new Replay.Recovered(found, log.watermark(upTo));
    }

    /**
     * Lists the oldest ones after an offset, the oldest first.
     *
     * @param complete whether none after it may be missing
     */
    Replay oldest(long since, int limit, boolean complete) {
        Reason refusal = walk(since, Long.MAX_VALUE, Integer.MAX_VALUE);
        List<Entry> found = new ArrayList<>();
        if (refusal != Reason.TOO_MUCH) {
            take(count - 1, -1, limit, found);
        }
        // Checked at the end, because entries are evicted at any time.
        if (complete && log.newestEvicted(channel) > since) {
            return new Replay.Refused(Reason.TOO_OLD);
        }
        return refusal == Reason.TOO_MUCH
                ? new Replay.Refused(refusal)
                : new Replay.Recovered(found, log.watermark(upTo));
    }

    /** Collects addresses, from the newest back to the offset; returns why not all. */
    private @Nullable Reason walk(long since, long before, int limit) {
        Segment segment = null;
        try {
            long address = log.newest(channel);
            while (address != 0 && count < limit) {
                if (segment == null || !segment.holds(address)) {
                    unpin(segment);
                    segment = log.pin(address);
                    if (segment == null) {
                        return Reason.TOO_OLD;
                    }
                }
                int at = Segment.index(address);
                long offset = segment.offset(at);
                if (offset <= since) {
                    return null;
                }
                if (++passed > Search.MAX_PASSED) {
                    return Reason.TOO_MUCH;
                }
                if (offset <= upTo.offset() && offset < before && segment.isOn(at, channel)) {
                    if (count == addresses.length) {
                        addresses = Arrays.copyOf(addresses, 2 * count);
                    }
                    addresses[count++] = address;
                }
                address = segment.previous(at);
            }
            return null;
        } finally {
            unpin(segment);
        }
    }

    /** Copies entries that are still there, from an index in steps. */
    private void take(int from, int step, int limit, List<Entry> found) {
        long bytes = 0;
        for (int i = from; i >= 0 && i < count && found.size() < limit; i += step) {
            Segment segment = log.pin(addresses[i]);
            if (segment == null) {
                continue;
            }
            try {
                int at = Segment.index(addresses[i]);
                bytes += segment.length(at) + Search.OVERHEAD;
                if (bytes > maxBytes && !found.isEmpty()) {
                    return;
                }
                Position position = log.position(segment, at, channel);
                found.add(new Entry(
                        channel,
                        Payload.of(segment.sequence(at), position, segment.payload(at), segment.receivedAt(at))));
            } finally {
                segment.unpin();
            }
        }
    }

    private static void unpin(@Nullable Segment segment) {
        if (segment != null) {
            segment.unpin();
        }
    }
}
