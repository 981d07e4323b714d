package dev.sluice.history;

import dev.sluice.clock.Era;
import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.history.Replay.Reason;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Watermark;
import dev.sluice.route.Channel;
import java.util.Collection;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps recent publications of one order: of all that Redis sends, or of those of one shard. One thread writes; any thread
 * reads, without locks.
 */
final class OrderHistory {

    private static final Logger LOG = Logger.getLogger(History.class);

    private final long maxReplay;
    private final IntFunction<byte[]> arrays;
    private final LongSupplier nanoTime;
    private final LogThrottle failed = new LogThrottle();

    /** Empty if this pod hears all channels. */
    private final Holds holds = new Holds();

    /**
     * The publications of one era since this pod started counting in it; {@code null} while the pod has no positions.
     */
    private volatile @Nullable PublicationLog log;

    /** Used by the writing thread: the position from which it counts. */
    private @Nullable Position followed;

    /** Used by the writing thread. */
    private PublicationLog.Bounds bounds;

    OrderHistory(PublicationLog.Bounds bounds, long maxReplay, IntFunction<byte[]> arrays, LongSupplier nanoTime) {
        this.bounds = bounds;
        this.maxReplay = maxReplay;
        this.arrays = arrays;
        this.nanoTime = nanoTime;
    }

    /**
     * Records that all publications up to a position have been appended, and that the next ones are counted from it. If
     * that is not certain, because the position is of another era or before the head, or if the memory has become too small
     * for the tables, the history starts again there. Never throws.
     *
     * @param position {@code null} if this pod has no positions; the history is then empty
     * @param last the sequence of the last publication that this pod received, of any order
     * @return whether the history starts again at the position
     */
    boolean follow(@Nullable Position position, long last) {
        try {
            PublicationLog known = log;
            boolean adopted = false;
            if (position == null) {
                log = null;
            } else if (known != null && known.leadsTo(position) && !(known.isCramped() && position.isNamed())) {
                known.follow(position, nanoTime.getAsLong());
            } else if (position.isNamed()) {
                PublicationLog begun = new PublicationLog(bounds, arrays, position, last, nanoTime.getAsLong());
                holds.begin(begun, last);
                log = begun;
                adopted = true;
            } else {
                // Counting by channel begins at a tick.
                log = null;
            }
            followed = position;
            return adopted;
        } catch (Throwable e) {
            failed(e);
            return false;
        }
    }

    /** See {@link History#prefetch}. */
    void prefetch(@Nullable Channel[] channels, int count) {
        PublicationLog known = log;
        if (known != null) {
            known.prefetch(channels, count);
        }
    }

    /** See {@link History#commit}. */
    void commit() {
        PublicationLog known = log;
        if (known != null) {
            known.commit();
        }
    }

    /**
     * Adds a publication. Readers find it after {@link #commit}. Never throws.
     *
     * @param sequence see {@link Payload}
     * @param messages the number of messages that the pod received since the last {@link #follow}
     * @param channel of a route that keeps a history
     * @param bytes the name of the channel, then the payload
     * @param receivedAt see {@link Payload}
     * @return how pods that hear different channels name it; {@code null} otherwise
     */
    @Nullable
    Point append(long sequence, int messages, Channel channel, byte[] bytes, long receivedAt) {
        PublicationLog known = log;
        Position from = followed;
        if (known == null || from == null) {
            return null;
        }
        try {
            if (!from.names(messages)) {
                forget();
            } else if (known.byChannel()) {
                return append(known, from, sequence, messages, channel, bytes, receivedAt);
            } else {
                known.append(from.offset() + messages, from.nonce(), 0, sequence, channel, bytes, receivedAt);
            }
        } catch (Throwable e) {
            failed(e);
        }
        return null;
    }

    private @Nullable Point append(
            PublicationLog known,
            Position from,
            long sequence,
            int messages,
            Channel channel,
            byte[] bytes,
            long receivedAt) {
        Hold hold = holds.get(known, channel);
        if (hold == null) {
            return null;
        }
        Point point = hold.count(from.tick(), from.nonce(), bytes);
        if (point == null) {
            forget();
        } else {
            known.append(from.offset() + messages, point.check(), point.count(), sequence, channel, bytes, receivedAt);
        }
        return point;
    }

    /**
     * Everything of a channel will be appended that is published after the tick at the {@link #head}. To be called by the
     * writing thread, by pods that hear different channels.
     */
    void hold(Channel channel, long last) {
        PublicationLog known = log;
        if (known != null && known.byChannel() && channel.route().history()) {
            holds.add(known, channel, last);
        }
    }

    /** The channel is not heard any more. To be called by the writing thread. */
    void release(Channel channel) {
        holds.remove(channel);
    }

    /** No channel is heard any more. To be called by the writing thread. */
    void releaseAll() {
        holds.clear();
        forget();
    }

    private void forget() {
        follow(null, 0);
    }

    /** Keeps to these bounds from now on. To be called by the writing thread. Never throws. */
    void limit(PublicationLog.Bounds now) {
        bounds = now;
        PublicationLog known = log;
        if (known != null) {
            try {
                known.limit(now);
            } catch (Throwable e) {
                failed(e);
            }
        }
    }

    /** Whether it counts in the position's era. */
    boolean isOf(Position position) {
        PublicationLog known = log;
        return known != null && known.isOf(position);
    }

    /** Returns the channels that it counts, or will count from the next tick on. */
    List<Channel> channels() {
        return holds.channels();
    }

    /** Whether it counts the publications of the channel by itself. */
    boolean holds(Channel channel) {
        return heardSince(channel) != null;
    }

    /** Does what {@link History#name} does with a position of this order. */
    @Nullable
    Position name(Position position, Supplier<? extends Collection<Channel>> channels) {
        PublicationLog known = log;
        return known == null || !known.isOf(position) ? null : holds.name(known, position, channels.get());
    }

    /** Clears the history, because it lacks a publication that a client may ask for. */
    void failed(Throwable e) {
        log = null;
        long count = failed.pass();
        if (count > 0) {
            LOG.errorf(
                    e,
                    "Sluice cleared the history after a failure; failures: %d. Clients can't resume from earlier positions, and must"
                            + " fetch their state",
                    count);
        }
    }

    /** Returns the position up to which the history is complete; {@code null} while this pod has no positions. */
    @Nullable
    Position head() {
        PublicationLog known = log;
        return known == null ? null : known.head();
    }

    /**
     * Returns a point in what this pod receives, before which are all publications up to a position of this order, and
     * those of the channel that were not counted in this order.
     */
    private Watermark watermark(PublicationLog known, Position position, @Nullable Hold hold) {
        return hold == null || position.era().kind() != Era.Kind.OF_SHARD
                ? known.watermark(position)
                : new Watermark(position, hold.started());
    }

    /** Returns {@link #head} as a point in what this pod receives of the channel; {@code null} if it is not counted here. */
    @Nullable
    Watermark watermark(Channel channel) {
        PublicationLog known = log;
        Hold hold = known == null ? null : holds.get(known, channel);
        return known == null || hold == null ? null : watermark(known, known.head(), hold);
    }

    /** Returns {@link #head} as a point in what this pod receives; {@code null} while this pod has no positions. */
    @Nullable
    Watermark watermark() {
        PublicationLog known = log;
        return known == null ? null : known.watermark(known.head());
    }

    /**
     * Returns the tick since which this pod counts the publications of the channel; {@code null} if it does not count by
     * channel, or has no positions.
     */
    @Nullable
    Position heardSince(Channel channel) {
        PublicationLog known = log;
        Hold hold = known == null ? null : holds.get(known, channel);
        return hold == null ? null : hold.since();
    }

    /**
     * Returns everything that was published on the channels after a position, or the reason why it can't. Takes at most
     * a few milliseconds.
     *
     * @param since everything up to it is known to the client
     */
    Replay read(Position since, Collection<Channel> channels) {
        PublicationLog known = log;
        if (known == null
                || channels.stream().anyMatch(channel -> !channel.route().history())) {
            return new Replay.Refused(Reason.UNKNOWN);
        }
        if (!known.agrees(since)) {
            return new Replay.Refused(Reason.MISMATCH);
        }
        // A position of a shard is one of a channel: of others, the client may have heard less.
        boolean ofShard = since.era().kind() == Era.Kind.OF_SHARD;
        if (ofShard && channels.size() > 1) {
            return new Replay.Refused(Reason.MISMATCH);
        }
        Hold hold = ofShard ? holds.get(known, channels.iterator().next()) : null;
        if (ofShard && hold == null) {
            return new Replay.Refused(Reason.GAP);
        }
        long from = since.offset();
        if (known.byChannel()) {
            Holds.Found found = holds.resolve(known, since, channels);
            if (found instanceof Holds.Not not) {
                return not.answer();
            }
            from = ((Holds.At) found).offset();
        }
        Position head = known.head();
        if (from > head.offset()) {
            return new Replay.Ahead();
        }
        if (!known.coversAllSince(from) || (known.byChannel() && !holds.cover(known, channels, from))) {
            return new Replay.Refused(Reason.GAP);
        }
        if (hold != null && holds.get(known, channels.iterator().next()) != hold) {
            // The writing thread has ended the hold meanwhile, and what is above is of another.
            return new Replay.Refused(Reason.GAP);
        }
        return new Search(known, maxReplay, from, watermark(known, head, hold)).find(channels);
    }

    /**
     * Returns what the history has of a channel, the oldest first unless {@code reverse}.
     *
     * @param limit the most publications; those of the largest replay are the most in any case
     * @param since only later ones, or, where {@code reverse}, earlier ones; {@code null} for any
     * @return refused where it does not have everything since the position, or has too much to search
     */
    Replay list(Channel channel, int limit, @Nullable Position since, boolean reverse) {
        PublicationLog known = log;
        if (known == null || !channel.route().history()) {
            return new Replay.Refused(Reason.UNKNOWN);
        }
        Position head = known.head();
        if (since != null && !known.agrees(since)) {
            return new Replay.Refused(Reason.MISMATCH);
        }
        long from = since == null ? 0 : since.offset();
        long heard = 0;
        if (known.byChannel()) {
            Hold hold = holds.get(known, channel);
            if (hold == null) {
                return new Replay.Refused(Reason.GAP);
            }
            heard = hold.since().offset();
            if (since != null) {
                Holds.Found found = holds.resolve(known, since, List.of(channel));
                if (found instanceof Holds.Not not) {
                    return not.answer();
                }
                from = ((Holds.At) found).offset();
            }
        }
        if (since != null && !reverse && (!known.coversAllSince(from) || from < heard)) {
            return new Replay.Refused(Reason.GAP);
        }
        Listing listing = new Listing(known, maxReplay, head, channel, heard);
        return reverse
                ? listing.newest(since == null ? Long.MAX_VALUE : from, limit)
                : listing.oldest(Math.max(from, heard), limit, since != null);
    }

    /** In bytes of memory. */
    long bytes() {
        PublicationLog known = log;
        return known == null ? 0 : known.bytes();
    }

    /** The nanoseconds since the oldest position from which every client can resume; 0 while this pod has no positions. */
    long age() {
        PublicationLog known = log;
        return known == null ? 0 : nanoTime.getAsLong() - known.oldestAt();
    }
}
