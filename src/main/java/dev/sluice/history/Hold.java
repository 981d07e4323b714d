package dev.sluice.history;

import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.route.Channel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A channel that this pod hears by name, and counts between ticks as all other pods that hear it. One thread counts; any
 * thread reads the other fields.
 */
final class Hold {

    /** An odd number with spread bits. */
    private static final long FACTOR = 0x9E37_79B9_7F4A_7C15L;

    private static final int CHECK_BITS = (1 << 16) - 1;

    private final PublicationLog log;
    private final Channel channel;
    private final String key;
    private final Position since;
    private final long started;

    // Used by the counting thread.
    private long tick;
    private int count;
    private long hash;

    /**
     * Creates the hold of a channel.
     *
     * @param since that of a tick; the log has everything of the channel after it
     * @param started the sequence of the last publication before that tick
     */
    Hold(PublicationLog log, Channel channel, Position since, long started) {
        this.log = log;
        this.channel = channel;
        this.key = Since.key(channel.name());
        this.since = since;
        this.started = started;
    }

    Channel channel() {
        return channel;
    }

    String key() {
        return key;
    }

    Position since() {
        return since;
    }

    long started() {
        return started;
    }

    /** Whether the log has everything of the channel after an offset. */
    boolean covers(PublicationLog other, long offset) {
        return log == other && since.offset() <= offset;
    }

    /** Whether it belongs to the log. */
    boolean isOf(PublicationLog other) {
        return log == other;
    }

    /** Counts a publication; returns {@code null} if there are too many to be named. */
    @Nullable
    Point count(long after, int nonce, byte[] bytes) {
        if (tick != after) {
            tick = after;
            count = 0;
            hash = nonce;
        }
        if (count == Point.MAX_COUNT) {
            return null;
        }
        count++;
        hash = (hash ^ Arrays.hashCode(bytes)) * FACTOR;
        return new Point(key, count, (int) (hash >>> (Long.SIZE - Short.SIZE)) & CHECK_BITS);
    }
}
