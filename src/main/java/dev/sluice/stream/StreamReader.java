package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.Source;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import jakarta.enterprise.event.Event;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads the streams of channels that have listeners, each from its {@link Cursor}, and delivers the entries. Each
 * channel has one read at a time. Confined to the source's thread unless stated otherwise.
 */
@Singleton
public final class StreamReader {

    /** How often cursors of channels without listeners are dropped. */
    private static final Duration SWEEP = Duration.ofSeconds(10);

    /** Doubling the delay more often changes nothing. */
    private static final int MAX_DOUBLINGS = 20;

    /**
     * Where the delivery of a channel begins.
     *
     * @param after the entry after which it begins
     * @param sequence that of the newest publication before it
     */
    public record Standing(EntryId after, long sequence) {}

    /** A consumer that waits until a cursor is set. */
    record Join(Consumer<@Nullable Standing> receiver, long since) {}

    private final Source source;
    private final Registry registry;
    private final DeliveryDispatcher deliveries;
    private final StreamCommands redis;
    final ReadLimits limits;
    private final ReadQueue reads;
    final EntryDelivery entries;
    private final Map<Channel, Cursor> cursors = new HashMap<>();
    private boolean interrupted;

    /** The cursors of which a beat may tell more. */
    private final Set<Cursor> uncertain = new HashSet<>();

    /** The beat that was published after the cursors were marked; 0 without one. */
    private long awaited;

    @Inject
    StreamReader(
            Source source,
            Registry registry,
            DeliveryDispatcher deliveries,
            RedisStreams redis,
            SluiceConfig config,
            Event<StreamGap> gaps,
            StreamMeters meters) {
        this(source, registry, deliveries, redis, ReadLimits.of(config.streams(), config.feed()), gaps::fire, meters);
    }

    StreamReader(
            Source source,
            Registry registry,
            DeliveryDispatcher deliveries,
            StreamCommands redis,
            ReadLimits limits,
            Consumer<StreamGap> onGap,
            StreamMeters meters) {
        this.source = source;
        this.registry = registry;
        this.deliveries = deliveries;
        this.redis = redis;
        this.limits = limits;
        this.reads = new ReadQueue(
                source, deliveries, limits.maxReads(), (long) limits.maxReads() * limits.maxBytes(), meters);
        this.entries = new EntryDelivery(source, deliveries, onGap, meters);
    }

    /** Follows the channels that get listeners from now on. Thread-safe. */
    public void start() {
        registry.whenWanted(channel -> source.execute(() -> {
            follow(channel);
            reads.pump();
        }));
        source.execute(this::sweep, SWEEP);
    }

    /**
     * Redis tells of a change of the channel's key. {@link #read} is to be called after the batch.
     *
     * @return whether the channel has listeners
     */
    public boolean heard(Channel channel, String event) {
        Cursor cursor = cursors.get(channel);
        if (cursor == null || registry.listeners(channel) == null) {
            cursors.remove(channel);
            return false;
        }
        switch (event) {
            case "xadd" -> {
                cursor.hear();
                queue(cursor);
            }
            case "del", "expired", "evicted" -> queue(cursor);
            case "rename_from", "rename_to", "restore", "move_from", "move_to", "copy_to", "set" -> {
                cursor.disturb();
                queue(cursor);
            }
            // Others, such as xtrim, remove only entries of which the next read tells.
            default -> {}
        }
        return true;
    }

    /** Starts to read what has been {@link #heard} of. */
    public void read() {
        reads.pump();
    }

    /** Notifications may be missing while interrupted. Afterwards, each stream is read on from its cursor. */
    public void interrupted(boolean now) {
        interrupted = now;
        awaited = 0;
        for (Cursor cursor : cursors.values()) {
            cursor.disturb();
            if (!now) {
                queue(cursor);
            }
        }
        reads.pump();
    }

    /** A beat is published next, which Redis executes after the reads that are done. */
    void beatFollows(long number) {
        if (awaited == 0 && !uncertain.isEmpty()) {
            awaited = number;
            uncertain.forEach(Cursor::mark);
        }
    }

    /** Everything has been heard of which Redis told before the beat. */
    void beatHeard(long number) {
        if (awaited == 0 || number < awaited) {
            return;
        }
        awaited = 0;
        for (Cursor cursor : List.copyOf(uncertain)) {
            ChannelListeners listeners = listeners(cursor);
            if (listeners != null && cursor.beat()) {
                entries.gap(cursor.channel, listeners, cursor.undoubted(), cursor.last());
            }
            if (listeners == null || !cursor.needsBeat()) {
                uncertain.remove(cursor);
            }
        }
    }

    /**
     * Says where the delivery of a channel with listeners begins, once that is known. Thread-safe.
     *
     * @param receiver called on the source's thread; with {@code null} if Redis does not answer
     */
    public void join(Channel channel, Consumer<@Nullable Standing> receiver) {
        source.execute(() -> {
            Cursor cursor = follow(channel);
            if (cursor.isStanding()) {
                receiver.accept(standing(cursor));
            } else {
                cursor.joins.add(new Join(receiver, System.nanoTime()));
            }
            reads.pump();
        });
    }

    /** Says where delivery begins now, for each channel whose cursor is set. Thread-safe. */
    public void standings(Collection<Channel> channels, Consumer<Map<Channel, Standing>> receiver) {
        source.execute(() -> {
            Map<Channel, Standing> found = new HashMap<>();
            for (Channel channel : channels) {
                Standing standing = standing(channel);
                if (standing != null) {
                    found.put(channel, standing);
                }
            }
            receiver.accept(found);
        });
    }

    /** Reads older entries of a channel that has listeners, after the waiting reads of new ones. */
    void replay(Channel channel, EntryId from, int count, Consumer<List<Entry>> done, Consumer<Throwable> failed) {
        reads.addReplay(() -> range(channel, from, count, done, failed));
        reads.pump();
    }

    /** Returns where the cursor of a channel is; {@code null} if it is not set any more. */
    @Nullable
    Standing standing(Channel channel) {
        Cursor cursor = cursors.get(channel);
        return cursor == null || !cursor.isStanding() ? null : standing(cursor);
    }

    private Standing standing(Cursor cursor) {
        return new Standing(cursor.last(), deliveries.lastSequence());
    }

    private Cursor follow(Channel channel) {
        Cursor known = cursors.get(channel);
        if (known != null) {
            return known;
        }
        Cursor cursor = new Cursor(channel.compact());
        if (interrupted) {
            cursor.disturb();
        }
        cursors.put(cursor.channel, cursor);
        queue(cursor);
        return cursor;
    }

    private void queue(Cursor cursor) {
        cursor.due = true;
        if (!cursor.busy) {
            cursor.busy = true;
            reads.add(() -> read(cursor));
        }
    }

    private void read(Cursor cursor) {
        if (listeners(cursor) == null) {
            return;
        }
        cursor.due = false;
        if (!cursor.isStanding()) {
            long heard = cursor.heard();
            reads.perform(
                    redis.newest(cursor.channel), newest -> stand(cursor, newest, heard), failure -> retry(cursor));
            return;
        }
        Reading reading = new Reading(cursor.heard(), cursor.disturbances(), cursor.size.count(limits.maxEntries()));
        range(
                cursor.channel,
                cursor.last(),
                reading.count,
                found -> advance(cursor, reading, found),
                failure -> retry(cursor));
    }

    private void range(
            Channel channel, EntryId from, int count, Consumer<List<Entry>> done, Consumer<Throwable> failed) {
        reads.perform(
                redis.range(channel, from, count),
                read -> {
                    reads.replied(Entry.bytes(read));
                    done.accept(read);
                },
                failed);
    }

    /** What was known when a read began. */
    private record Reading(long heard, int disturbances, int count) {}

    private void stand(Cursor cursor, EntryId newest, long heard) {
        cursor.stand(newest, heard);
        cursor.joins.forEach(join -> join.receiver().accept(standing(cursor)));
        cursor.joins.clear();
        finish(cursor);
    }

    private void advance(Cursor cursor, Reading reading, List<Entry> read) {
        EntryId before = cursor.last();
        if (read.isEmpty() && !before.equals(EntryId.ZERO)) {
            reads.perform(
                    redis.newest(cursor.channel), newest -> restart(cursor, reading, newest), failure -> retry(cursor));
            return;
        }
        ChannelListeners listeners = listeners(cursor);
        if (listeners == null) {
            return;
        }
        boolean connected = !read.isEmpty() && read.get(0).id().equals(before);
        boolean whole = read.size() < reading.count;
        List<Entry> found = connected ? read.subList(1, read.size()) : read;
        cursor.size.adapt(read.size(), Entry.bytes(read), limits.maxBytes());
        if (cursor.advance(found, connected, whole, reading.heard)) {
            entries.gap(cursor.channel, listeners, cursor.undoubted(), before);
        }
        entries.deliver(cursor.channel, listeners, before, found);
        if (whole) {
            calm(cursor, reading);
        } else {
            cursor.due = true;
        }
        finish(cursor);
    }

    /** The stream has neither the cursor's entry nor a newer one. */
    private void restart(Cursor cursor, Reading reading, EntryId newest) {
        ChannelListeners listeners = listeners(cursor);
        if (listeners == null) {
            return;
        }
        if (newest.precedes(cursor.last())) {
            if (cursor.restart(newest, reading.heard)) {
                entries.gap(cursor.channel, listeners, cursor.undoubted(), newest);
            }
            calm(cursor, reading);
        } else {
            cursor.due = true;
        }
        finish(cursor);
    }

    private void calm(Cursor cursor, Reading reading) {
        if (!interrupted) {
            cursor.calm(reading.disturbances);
        }
    }

    private void finish(Cursor cursor) {
        cursor.failures = 0;
        cursor.busy = false;
        if (cursor.needsBeat()) {
            uncertain.add(cursor);
        }
        if (cursor.due) {
            queue(cursor);
        }
    }

    private void retry(Cursor cursor) {
        long now = System.nanoTime();
        List<Join> ended = cursor.joins.stream()
                .filter(join -> now - join.since() >= limits.patience().toNanos())
                .toList();
        cursor.joins.removeAll(ended);
        ended.forEach(join -> join.receiver().accept(null));
        long delay = limits.firstRetry().toMillis() << Math.min(cursor.failures++, MAX_DOUBLINGS);
        source.execute(
                () -> {
                    reads.add(() -> read(cursor));
                    reads.pump();
                },
                Duration.ofMillis(Math.min(delay, limits.lastRetry().toMillis())));
    }

    /** Returns the listeners of the channel; {@code null} if there are none any more, which ends the cursor. */
    private @Nullable ChannelListeners listeners(Cursor cursor) {
        ChannelListeners listeners = registry.listeners(cursor.channel);
        if (listeners != null && cursors.get(cursor.channel) == cursor) {
            return listeners;
        }
        cursors.remove(cursor.channel, cursor);
        cursor.joins.forEach(join -> join.receiver().accept(null));
        cursor.joins.clear();
        return null;
    }

    private void sweep() {
        cursors.values().removeIf(cursor -> !cursor.busy && registry.listeners(cursor.channel) == null);
        uncertain.removeIf(cursor -> cursors.get(cursor.channel) != cursor);
        source.execute(this::sweep, SWEEP);
    }
}
