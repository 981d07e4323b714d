package dev.sluice.history;

import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.config.HistoryConfig;
import dev.sluice.config.SluiceConfig;
import dev.sluice.history.Replay.Reason;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.Watermark;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.configuration.MemorySize;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps recent publications of all routes with history, so that a client that resumes gets exactly what it missed. The
 * thread that reads Redis writes; any thread reads, without locks.
 */
@Singleton
public final class History {

    private static final Logger LOG = Logger.getLogger(History.class);

    /** In bytes. Large enough to evict cheaply, small enough that a quiet pod keeps little. */
    private static final int SEGMENT = 256 << 10;

    /** The history may take this fraction of the maximum heap. */
    private static final int HEAP_PARTS = 4;

    private final PublicationLog.Bounds bounds;
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

    /** Used by the writing thread: the sequence of the last publication. */
    private long last;

    @Inject
    History(SluiceConfig config, MeterRegistry metrics) {
        this(
                config.history(),
                config.history()
                        .maxReplay()
                        .map(MemorySize::asLongValue)
                        .orElseGet(() -> config.outbox().maxBytes().asLongValue() / 2),
                SEGMENT,
                byte[]::new,
                System::nanoTime);
        measure(metrics);
    }

    History(HistoryConfig config, long maxReplay, int segment, IntFunction<byte[]> arrays, LongSupplier nanoTime) {
        this.bounds = new PublicationLog.Bounds(
                segment,
                Math.min(config.maxBytes().asLongValue(), Runtime.getRuntime().maxMemory() / HEAP_PARTS),
                config.maxAge().toNanos());
        this.maxReplay = maxReplay;
        this.arrays = arrays;
        this.nanoTime = nanoTime;
    }

    void measure(MeterRegistry metrics) {
        Gauge.builder("sluice.history.bytes", this, History::bytes)
                .description("Memory of the publications that are kept for clients that come back")
                .baseUnit("bytes")
                .register(metrics);
        Gauge.builder("sluice.history.age", this, History::age)
                .description("Age of the oldest position from which every client can resume")
                .baseUnit("seconds")
                .register(metrics);
    }

    /**
     * Records that all publications up to a position have been appended, and that the next ones are counted from it. If
     * that is not certain, because the position is of another era or before the head, the history starts again there.
     * Never throws.
     *
     * @param position {@code null} if this pod has no positions; the history is then empty
     * @return whether the history starts again at the position
     */
    public boolean follow(@Nullable Position position) {
        try {
            PublicationLog known = log;
            boolean adopted = false;
            if (position == null) {
                log = null;
            } else if (known != null && known.leadsTo(position)) {
                known.follow(position, nanoTime.getAsLong());
            } else if (position.isNamed()) {
                PublicationLog begun = new PublicationLog(bounds, arrays, position, last, nanoTime.getAsLong());
                holds.begin(begun);
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

    /**
     * Loads into the processor's cache what {@link #append} will need for these channels. Most are far apart, and loads
     * one right after the other overlap.
     */
    public void prefetch(@Nullable Channel[] channels, int count) {
        PublicationLog known = log;
        if (known != null) {
            known.prefetch(channels, count);
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
    public @Nullable Point append(long sequence, int messages, Channel channel, byte[] bytes, long receivedAt) {
        last = sequence;
        PublicationLog known = log;
        Position from = followed;
        if (known == null || from == null) {
            return null;
        }
        try {
            if (!from.names(messages)) {
                follow(null);
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

    /**
     * Moves {@link #head} to the last publication that was added. To be called before the listeners of what was added are
     * looked up, so that a client that subscribes at this moment either finds it in the history or receives it.
     */
    public void commit() {
        PublicationLog known = log;
        if (known != null) {
            known.commit();
        }
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
            follow(null);
        } else {
            known.append(from.offset() + messages, point.check(), point.count(), sequence, channel, bytes, receivedAt);
        }
        return point;
    }

    /**
     * Everything of a channel will be appended that is published after the tick at the {@link #head}. To be called by the
     * writing thread, by pods that hear different channels.
     */
    public void hold(Channel channel) {
        PublicationLog known = log;
        if (known != null && known.byChannel() && channel.route().history()) {
            holds.add(known, channel);
        }
    }

    /** The channel is not heard any more. To be called by the writing thread. */
    public void release(Channel channel) {
        holds.remove(channel);
    }

    /** No channel is heard any more. To be called by the writing thread. */
    public void releaseAll() {
        holds.clear();
        follow(null);
    }

    /**
     * Returns a position of this pod as clients may send it to any pod; {@code null} if others have no name for it.
     *
     * @param channels returns those of the client; called only if this pod subscribes by name
     */
    public @Nullable Position name(@Nullable Position position, Supplier<? extends Collection<Channel>> channels) {
        if (position == null || !position.era().byChannel()) {
            return position;
        }
        PublicationLog known = log;
        return known == null || !known.isOf(position) ? null : holds.name(known, position, channels.get());
    }

    /** Clears the history, because it lacks a publication that a client may ask for. */
    private void failed(Throwable e) {
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
    public @Nullable Position head() {
        PublicationLog known = log;
        return known == null ? null : known.head();
    }

    /** Returns {@link #head} as a point in what this pod receives; {@code null} while this pod has no positions. */
    public @Nullable Watermark watermark() {
        PublicationLog known = log;
        return known == null ? null : known.watermark(known.head());
    }

    /**
     * Returns the tick since which this pod counts the publications of the channel; {@code null} if it does not count by
     * channel, or has no positions.
     */
    public @Nullable Position heardSince(Channel channel) {
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
    public Replay read(Position since, Collection<Channel> channels) {
        PublicationLog known = log;
        if (known == null
                || channels.stream().anyMatch(channel -> !channel.route().history())) {
            return new Replay.Refused(Reason.UNKNOWN);
        }
        if (!known.agrees(since)) {
            return new Replay.Refused(Reason.MISMATCH);
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
        return new Search(known, maxReplay, from, head).find(channels);
    }

    /**
     * Returns what the history has of a channel, the oldest first unless {@code reverse}.
     *
     * @param limit the most publications; those of the largest replay are the most in any case
     * @param since only later ones, or, where {@code reverse}, earlier ones; {@code null} for any
     * @return refused where it does not have everything since the position, or has too much to search
     */
    public Replay list(Channel channel, int limit, @Nullable Position since, boolean reverse) {
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
    private double bytes() {
        PublicationLog known = log;
        return known == null ? 0 : known.bytes();
    }

    /** In seconds. */
    private double age() {
        PublicationLog known = log;
        return known == null ? 0 : (double) (nanoTime.getAsLong() - known.oldestAt()) / TimeUnit.SECONDS.toNanos(1);
    }
}
