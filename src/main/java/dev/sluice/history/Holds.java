package dev.sluice.history;

import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.history.Replay.Reason;
import dev.sluice.route.Channel;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The channels that this pod hears by name. Pods that hear different channels agree on the publications of a channel
 * between ticks, if both subscribed to it before the first of these. One thread writes, any thread reads.
 */
final class Holds {

    /** What {@link #resolve} found. */
    sealed interface Found {}

    /** The offset in the log. */
    record At(long offset) implements Found {}

    /** Not in the log, or not yet. */
    record Not(Replay answer) implements Found {}

    private static final Found GAP = new Not(new Replay.Refused(Reason.GAP));
    private static final Found TOO_MUCH = new Not(new Replay.Refused(Reason.TOO_MUCH));
    private static final Found MISMATCH = new Not(new Replay.Refused(Reason.MISMATCH));

    private final Map<Channel, Hold> holds = new ConcurrentHashMap<>();
    private final Map<String, Hold> byKey = new ConcurrentHashMap<>();

    /**
     * The pod has heard the tick at the head of the log, and everything of the channel since.
     *
     * @param started the sequence of the last publication before that tick
     */
    void add(PublicationLog log, Channel channel, long started) {
        Hold known = holds.get(channel);
        if (known == null || !known.isOf(log)) {
            put(new Hold(log, channel, log.head(), started));
        }
    }

    private void put(Hold hold) {
        holds.put(hold.channel(), hold);
        byKey.put(hold.key(), hold);
    }

    /** The channel is not heard any more. */
    void remove(Channel channel) {
        Hold removed = holds.remove(channel);
        if (removed != null) {
            byKey.remove(removed.key(), removed);
        }
    }

    /** No channel is heard any more. */
    void clear() {
        holds.clear();
        byKey.clear();
    }

    /** Continues in a log that begins now, after the publication with that sequence. */
    void begin(PublicationLog log, long started) {
        holds.replaceAll((channel, hold) -> new Hold(log, channel, log.head(), started));
        byKey.clear();
        holds.values().forEach(hold -> byKey.put(hold.key(), hold));
    }

    /** Returns the channels. */
    List<Channel> channels() {
        return List.copyOf(holds.keySet());
    }

    /** Returns the hold of a channel in the log; {@code null} if this pod does not count it there. */
    @Nullable
    Hold get(PublicationLog log, Channel channel) {
        Hold hold = holds.get(channel);
        return hold != null && hold.isOf(log) ? hold : null;
    }

    /** Whether the log has everything of the channels after an offset. */
    boolean cover(PublicationLog log, Collection<Channel> channels, long offset) {
        for (Channel channel : channels) {
            Hold hold = holds.get(channel);
            if (hold == null || !hold.covers(log, offset)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Returns where a client's position is in what this pod hears.
     *
     * @param channels those that the client asks for
     */
    Found resolve(PublicationLog log, Position since, Collection<Channel> channels) {
        Point point = since.point();
        if (point == null) {
            return new At(since.offset());
        }
        Hold hold = named(point.key(), channels);
        if (hold == null || !hold.covers(log, since.afterTick())) {
            return GAP;
        }
        // Read before the search: what it does not find up to here is not in the log.
        Position head = log.head();
        if (since.tick() > head.tick()) {
            return new Not(new Replay.Ahead());
        }
        PublicationLog.Entry entry = log.find(hold.channel(), since.afterTick(), point.count());
        if (PublicationLog.TOO_FAR.equals(entry)) {
            return TOO_MUCH;
        }
        if (entry != null) {
            boolean agrees = point.check() == Point.UNKNOWN_CHECK || point.check() == entry.check();
            return agrees ? new At(entry.offset()) : MISMATCH;
        }
        if (since.tick() == head.tick()) {
            return new Not(new Replay.Ahead());
        }
        return log.newestEvicted(hold.channel()) > since.afterTick()
                ? new Not(new Replay.Refused(Reason.TOO_OLD))
                : MISMATCH;
    }

    /** Keys of channels can be equal by chance or on purpose, so those of the client come first. */
    private @Nullable Hold named(String key, Collection<Channel> channels) {
        for (Channel channel : channels) {
            Hold hold = holds.get(channel);
            if (hold != null && hold.key().equals(key)) {
                return hold;
            }
        }
        return byKey.get(key);
    }

    /**
     * Returns a position by the name that other pods give it: that of the last publication of these channels since the
     * tick; {@code null} if it has none, because this pod did not hear one of the channels since the tick.
     */
    @Nullable
    Position name(PublicationLog log, Position position, Collection<Channel> channels) {
        long from = position.afterTick();
        PublicationLog.Entry last = null;
        String key = "";
        for (Channel channel : channels) {
            if (!channel.route().history()) {
                continue;
            }
            Hold hold = holds.get(channel);
            if (hold == null || !hold.covers(log, from)) {
                return null;
            }
            PublicationLog.Entry newest = log.newestUpTo(channel, from, position.offset());
            if (PublicationLog.TOO_FAR.equals(newest)) {
                return null;
            }
            if (newest == null) {
                if (log.newestEvicted(channel) > from) {
                    return null;
                }
            } else if (last == null || newest.offset() > last.offset()) {
                last = newest;
                key = hold.key();
            }
        }
        return last == null
                ? new Position(position.era(), from, position.nonce())
                : new Position(
                        position.era(), last.offset(), position.nonce(), new Point(key, last.count(), last.check()));
    }
}
