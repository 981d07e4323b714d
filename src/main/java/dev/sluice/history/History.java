package dev.sluice.history;

import dev.sluice.clock.Era;
import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.config.HistoryConfig;
import dev.sluice.config.SluiceConfig;
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
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps recent publications of all routes with history, so that a client that resumes gets exactly what it missed. The
 * thread that reads Redis writes; any thread reads, without locks.
 */
@Singleton
public final class History {

    /** In bytes. Large enough to evict cheaply, small enough that a quiet pod keeps little. */
    private static final int SEGMENT = 256 << 10;

    /** The history may take this fraction of the maximum heap. */
    private static final int HEAP_PARTS = 4;

    private final PublicationLog.Bounds bounds;
    private final Supplier<OrderHistory> orders;

    /** Of publications that are not of a shard. */
    private final OrderHistory all;

    /** By shard; any thread reads. */
    private final Map<Object, OrderHistory> shards = new ConcurrentHashMap<>();

    /** The shard that counts each channel, or did so last; any thread reads. */
    private final Map<Channel, OrderHistory> counting = new ConcurrentHashMap<>();

    /** Never has positions: of what follows if the history of a shard can't be begun. */
    private final OrderHistory none;

    /** Used by the writing thread: the order of what follows. */
    private OrderHistory current;

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
        this.bounds = PublicationLog.Bounds.of(
                segment,
                Math.min(config.maxBytes().asLongValue(), Runtime.getRuntime().maxMemory() / HEAP_PARTS),
                config.maxAge().toNanos());
        this.orders = () -> new OrderHistory(bounds, maxReplay, arrays, nanoTime);
        this.all = orders.get();
        this.none = orders.get();
        this.current = all;
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
     * What follows is of the order of a shard, until the next call. To be called by the writing thread. Never throws.
     *
     * @param shard {@code null} for what is not of a shard
     */
    public void turnTo(@Nullable Object shard) {
        if (shard == null) {
            current = all;
            return;
        }
        // Never that of the batch before, whose positions do not name what follows.
        current = none;
        try {
            OrderHistory known = shards.get(shard);
            current = known == null ? begin(shard) : known;
        } catch (Throwable e) {
            none.failed(e);
        }
    }

    private OrderHistory begin(Object shard) {
        OrderHistory begun = orders.get();
        shards.put(shard, begun);
        share();
        return begun;
    }

    /** Gives each shard an equal part of the memory. */
    private void share() {
        PublicationLog.Bounds part = bounds.part(Math.max(1, shards.size()));
        shards.values().forEach(shard -> shard.limit(part));
    }

    /**
     * Whether what is received now of the channel is late: its shard has lost the channel to another, which counts it already.
     * To be called by the writing thread.
     */
    public boolean isLate(Channel channel) {
        OrderHistory counts = shard(channel);
        return counts != null && counts != current;
    }

    /** Returns the channels of the shard that it counts, or will count from its next tick on. */
    public Collection<Channel> channels(Object shard) {
        OrderHistory known = shards.get(shard);
        return known == null ? List.of() : known.channels();
    }

    /** Whether the shard counts, so that {@link #channels} have positions. To be called by the writing thread. */
    public boolean counts(Object shard) {
        OrderHistory known = shards.get(shard);
        return known != null && known.head() != null;
    }

    /** The channel is not counted on the shard any more, even if it is heard there. To be called by the writing thread. */
    public void release(Object shard, Channel channel) {
        OrderHistory known = shards.get(shard);
        if (known != null) {
            known.release(channel);
            counting.remove(channel, known);
        }
    }

    /** No channel of the shard is heard any more. To be called by the writing thread. */
    public void releaseShard(Object shard) {
        turnTo(null);
        OrderHistory gone = shards.remove(shard);
        if (gone != null) {
            gone.channels().forEach(channel -> counting.remove(channel, gone));
            gone.releaseAll();
            share();
        }
    }

    private OrderHistory of(Channel channel) {
        OrderHistory shard = shard(channel);
        return shard == null ? all : shard;
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
        return current != none && current.follow(position, last);
    }

    /**
     * Loads into the processor's cache what {@link #append} will need for these channels. Most are far apart, and loads
     * one right after the other overlap.
     */
    public void prefetch(@Nullable Channel[] channels, int count) {
        current.prefetch(channels, count);
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
        return current.append(sequence, messages, channel, bytes, receivedAt);
    }

    /**
     * Moves {@link #head} to the last publication that was added. To be called before the listeners of what was added are
     * looked up, so that a client that subscribes at this moment either finds it in the history or receives it.
     */
    public void commit() {
        current.commit();
    }

    /**
     * Everything of a channel will be appended that is published after the tick at the {@link #head}. To be called by the
     * writing thread, by pods that hear different channels.
     */
    public void hold(Channel channel) {
        current.hold(channel, last);
        if (current != all && current.holds(channel)) {
            OrderHistory before = counting.put(channel, current);
            if (before != null && before != current) {
                // That shard has lost the channel without having said so yet.
                before.release(channel);
            }
        }
    }

    /** The channel is not heard any more. To be called by the writing thread, by pods that do not subscribe on shards. */
    public void release(Channel channel) {
        all.release(channel);
    }

    /** No channel is heard any more. To be called by the writing thread. */
    public void releaseAll() {
        all.releaseAll();
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
        if (position.era().kind() != Era.Kind.OF_SHARD) {
            return all.name(position, channels);
        }
        Collection<Channel> one = channels.get();
        return one.size() == 1 ? name(position, one.iterator().next()) : null;
    }

    private @Nullable Position name(Position position, Channel channel) {
        OrderHistory shard = shard(channel);
        return shard == null ? null : shard.name(position, () -> List.of(channel));
    }

    /** Returns the shard that counts the channel. */
    private @Nullable OrderHistory shard(Channel channel) {
        OrderHistory shard = counting.get(channel);
        return shard != null && shard.holds(channel) ? shard : null;
    }

    /** Returns the position up to which the history is complete; {@code null} while this pod has no positions. */
    public @Nullable Position head() {
        return all.head();
    }

    /** Returns {@link #head} as a point in what this pod receives; {@code null} while this pod has no positions. */
    public @Nullable Watermark watermark() {
        return all.watermark();
    }

    /** Does what {@link #watermark()} does, for what this pod receives of the channel. */
    public @Nullable Watermark watermark(Channel channel) {
        if (shards.isEmpty()) {
            return all.watermark();
        }
        OrderHistory shard = shard(channel);
        return shard == null ? null : shard.watermark(channel);
    }

    /**
     * Returns the tick since which this pod counts the publications of the channel; {@code null} if it does not count by
     * channel, or has no positions.
     */
    public @Nullable Position heardSince(Channel channel) {
        return of(channel).heardSince(channel);
    }

    /**
     * Returns everything that was published on the channels after a position, or the reason why it can't. Takes at most
     * a few milliseconds.
     *
     * @param since everything up to it is known to the client
     */
    public Replay read(Position since, Collection<Channel> channels) {
        return (channels.isEmpty() ? all : of(channels.iterator().next())).read(since, channels);
    }

    /**
     * Returns what the history has of a channel, the oldest first unless {@code reverse}.
     *
     * @param limit the most publications; those of the largest replay are the most in any case
     * @param since only later ones, or, where {@code reverse}, earlier ones; {@code null} for any
     * @return refused where it does not have everything since the position, or has too much to search
     */
    public Replay list(Channel channel, int limit, @Nullable Position since, boolean reverse) {
        return of(channel).list(channel, limit, since, reverse);
    }

    /** In bytes of memory. */
    private double bytes() {
        return all.bytes()
                + shards.values().stream().mapToLong(OrderHistory::bytes).sum();
    }

    /** In seconds. */
    private double age() {
        // Clients know no positions of the others.
        long age = shards.values().stream()
                .filter(shard -> shard.head() != null)
                .mapToLong(OrderHistory::age)
                .min()
                .orElseGet(all::age);
        return (double) age / TimeUnit.SECONDS.toNanos(1);
    }
}
