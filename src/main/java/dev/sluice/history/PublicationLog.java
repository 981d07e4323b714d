package dev.sluice.history;

import dev.sluice.clock.Era;
import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.outbox.Watermark;
import dev.sluice.route.Channel;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The publications since a position of one era, in segments, of which the oldest is evicted. Entries whose channels
 * share a slot of a hash table form a list from the newest to the oldest. One thread writes. Any thread reads, without
 * locks: the writer writes the entry first, then the list, and, after several entries, the head, up to which readers
 * look. An entry after the head may already be in a list, and is then complete; readers skip it.
 */
final class PublicationLog {

    private static final int SLOT_BITS = 16;

    /** An odd number with spread bits, so that names with different last digits do not share slots. */
    private static final int SPREAD = 0x9E37_79B9;

    /** The number of ticks whose nonces are kept: an hour at one tick a second. */
    private static final int TICKS = 1 << 12;

    private static final long NONCE = 0xFFFF_FFFFL;

    /** A segment gets no more entries after this fraction of the age, so that a quiet segment is evicted in time. */
    private static final int AGE_PARTS = 16;

    /**
     * The bounds of a log.
     *
     * @param segmentBytes the capacity of a segment; one entry that needs more gets a segment of its own
     * @param maxAge in nanoseconds
     * @param maxSegments a power of two
     * @param slotBits there are two to the power of it slots
     * @param tables the memory besides the segments that counts; a single log may have its tables in addition
     */
    record Bounds(int segmentBytes, long maxBytes, long maxAge, int maxSegments, int slotBits, long tables) {

        /** Returns those of a single log. */
        static Bounds of(int segmentBytes, long maxBytes, long maxAge) {
            long most = Math.max(SEGMENTS, maxBytes / segmentBytes + 1);
            int segments = Integer.highestOneBit((int) Math.min(most, 1 << 24)) << 1;
            return new Bounds(segmentBytes, maxBytes, maxAge, segments, SLOT_BITS, 0);
        }

        /** Returns those of one of several logs, which has several segments and small tables even if there are many logs. */
        Bounds part(int logs) {
            long part = maxBytes / logs;
            long slots = Math.max(MIN_SLOTS, Math.min(MAX_SLOTS, part / BYTES_PER_SLOT));
            int bits = Long.SIZE - 1 - Long.numberOfLeadingZeros(slots);
            long fixed = Long.BYTES * ((2L << bits) + 2L * TICKS) + (long) Integer.BYTES * maxSegments;
            long segment = Math.min(segmentBytes, Math.max(1, (part - fixed) / SEGMENTS));
            return new Bounds((int) segment, part, maxAge, maxSegments, bits, fixed);
        }
    }

    /** The least number of segments of one of several logs. */
    private static final int SEGMENTS = 8;

    // Of one of several logs: its slots take at most a sixteenth of its memory.
    private static final int BYTES_PER_SLOT = 256;
    private static final int MIN_SLOTS = 1 << 8;
    private static final int MAX_SLOTS = 1 << 14;

    private final IntFunction<byte[]> arrays;
    private final Era era;

    /** {@link Era#byChannel}, which is asked for each publication. */
    private final boolean byChannel;

    /** The position at which the log started; everything after it has been appended. */
    private final long adoption;

    private final long started;

    /** The segments by the last bits of their numbers. */
    private final AtomicReferenceArray<@Nullable Segment> segments;

    /**
     * For each slot the address of the newest entry: the number of its segment, then its offset there. 0 if there is
     * none.
     */
    private final AtomicLongArray newest;

    /** For each slot the offset of the newest evicted publication. */
    private final AtomicLongArray evicted;

    /** The bits of a hash besides those of its slot. */
    private final int shift;

    /** The memory besides the segments that counts. */
    private final long tables;

    /** Numbers and nonces of the last ticks. */
    private final AtomicLongArray ticks = new AtomicLongArray(TICKS);

    /** For the last ticks, the offset of the last message before the next one. */
    private final AtomicLongArray ends = new AtomicLongArray(TICKS);

    /** The offset up to which readers may rely on the log. */
    private volatile long head;

    /** All publications received after this time are in the log. */
    private volatile long oldestAt;

    /** The memory of all segments. */
    private volatile long bytes;

    // Used by the writing thread.
    private Bounds bounds;
    private @Nullable Segment current;
    private byte @Nullable [] spare;
    private long appended;
    private long used;
    private long oldest = 1;
    private long next = 1;

    /** Written so that the compiler can't leave out the loads of {@link #prefetch}. */
    @SuppressWarnings("UnusedVariable")
    private long prefetched;

    /**
     * Creates an empty log, to which everything after the position will be appended.
     *
     * @param started the sequence of the last publication before the position
     */
    PublicationLog(Bounds bounds, IntFunction<byte[]> arrays, Position position, long started, long now) {
        this.bounds = bounds;
        this.shift = Integer.SIZE - bounds.slotBits();
        this.tables = bounds.tables();
        this.newest = new AtomicLongArray(1 << bounds.slotBits());
        this.evicted = new AtomicLongArray(1 << bounds.slotBits());
        this.arrays = arrays;
        this.era = position.era();
        this.byChannel = era.byChannel();
        this.adoption = position.offset();
        this.started = started;
        this.oldestAt = now;
        this.segments = new AtomicReferenceArray<>(bounds.maxSegments());
        account((int) tables);
        follow(position, now);
    }

    /**
     * Whether the position continues the log: it counts from the same tick as the head or from the next one. A pod that
     * skips ticks has started counting again.
     */
    boolean leadsTo(Position position) {
        long last = appended;
        long passed = position.tick() - Position.tick(last);
        return position.era().equals(era)
                && position.offset() >= last
                && (passed == 1 || (passed == 0 && position.nonce() == nonce(last)));
    }

    /**
     * Moves the head to a position that this log {@link #leadsTo}, because everything up to it has been appended.
     * Evicts old segments.
     */
    void follow(Position position, long now) {
        long tick = position.tick();
        // Most positions are of the same tick, whose nonce is known.
        if (appended == 0 || tick != Position.tick(appended)) {
            if (appended != 0) {
                // Before the head, so that readers who find the position behind it find the end of its tick as well.
                ends.setRelease((int) Position.tick(appended) & (TICKS - 1), appended);
            }
            ticks.setRelease((int) tick & (TICKS - 1), tick << Integer.SIZE | (position.nonce() & NONCE));
        }
        appended = position.offset();
        commit();
        if (current != null && now - current.firstAt() > bounds.maxAge() / AGE_PARTS) {
            current = null;
        }
        while (oldest < next && isOver(segment(oldest), now)) {
            evict();
        }
    }

    private boolean isOver(Segment segment, long now) {
        return segment != current && now - segment.newestAt() > bounds.maxAge();
    }

    /** See {@link History#prefetch}. */
    void prefetch(@Nullable Channel[] channels, int count) {
        long loaded = 0;
        for (int i = 0; i < count; i++) {
            Channel channel = channels[i];
            if (channel != null) {
                loaded ^= newest.getPlain(slot(channel.hashCode()));
            }
        }
        prefetched = loaded;
    }

    /** Adds the next publication, without moving the head. To be called by the writing thread. */
    void append(long offset, int nonce, int count, long sequence, Channel channel, byte[] entry, long receivedAt) {
        int slot = slot(channel.hashCode());
        Segment segment = current;
        if (segment == null || !segment.fits(entry.length)) {
            segment = roll(entry.length);
        }
        if (segment == null) {
            evicted.setPlain(slot, offset);
        } else {
            long address = Segment.address(segment.number(), segment.end());
            segment.add(offset, nonce, count, newest.getPlain(slot), sequence, channel, entry, receivedAt);
            // Other threads find complete entries only. A release write would be a volatile one without C2.
            VarHandle.releaseFence();
            newest.setPlain(slot, address);
        }
        appended = offset;
    }

    /**
     * Moves the head to the last publication that was appended. The write is volatile, and so are the lookups of
     * listeners that follow, and a client first joins the listeners and then reads the head: all threads see these four in
     * one order. If the client reads the old head, it joined before the write, so that the lookups find it. If it reads the
     * new head, it sees all entries up to it, which were written before. A volatile write waits until all earlier
     * writes have left the processor's store buffer, which takes longer than the copy of an entry; therefore there is one for
     * each batch.
     */
    void commit() {
        if (head != appended) {
            head = appended;
        }
    }

    /** Returns a segment with room for an entry; null if the entry is too large. */
    private @Nullable Segment roll(int length) {
        int capacity = Math.max(bounds.segmentBytes(), Segment.HEADER + length);
        if (tables + capacity > bounds.maxBytes()) {
            return null;
        }
        current = null;
        // Segments from before the bounds changed may be smaller, and so too many.
        while (used + capacity > bounds.maxBytes() || next - oldest == segments.length()) {
            evict();
        }
        byte[] array = spare;
        spare = null;
        if (array == null || array.length != capacity) {
            array = arrays.apply(capacity);
        }
        Segment segment = new Segment(next, array);
        segments.setRelease(index(next++), segment);
        account(capacity);
        current = segment;
        return segment;
    }

    /** Keeps to these bounds from now on, but for the tables. To be called by the writing thread. */
    void limit(Bounds now) {
        bounds = now;
        if (spare != null && spare.length != now.segmentBytes()) {
            spare = null;
        }
        while (oldest < next && used > now.maxBytes()) {
            if (segment(oldest) == current) {
                current = null;
            }
            evict();
        }
    }

    /**
     * Whether its tables are too large since the bounds changed: a log that begins now has more than twice the room. To be
     * called by the writing thread.
     */
    boolean isCramped() {
        long room = bounds.maxBytes() - bounds.tables();
        return room > 0 && 2 * (bounds.maxBytes() - tables) < room;
    }

    /** Evicts the oldest segment. Readers that can't pin it find its entries in {@link #evicted}. */
    private void evict() {
        Segment segment = segment(oldest);
        for (int at = 0; at < segment.end(); at = segment.next(at)) {
            int slot = slot(segment.hash(at));
            // A publication that was too large to be added may be newer.
            evicted.setPlain(slot, Math.max(evicted.getPlain(slot), segment.offset(at)));
        }
        oldestAt = segment.newestAt();
        segments.setRelease(index(oldest++), null);
        byte[] array = segment.close();
        if (array != null && array.length == bounds.segmentBytes()) {
            spare = array;
        }
        account(-segment.capacity());
    }

    private void account(int change) {
        used += change;
        bytes = used;
    }

    /** Returns the position up to which everything has been appended. */
    Position head() {
        long offset = head;
        return position(offset, nonce(offset));
    }

    /** Returns a position of this log as a point in what this pod receives. */
    Watermark watermark(Position position) {
        return new Watermark(position, started);
    }

    /** Returns the nonce of the tick before the offset. */
    private int nonce(long offset) {
        return (int) ticks.getAcquire((int) Position.tick(offset) & (TICKS - 1));
    }

    /**
     * Whether the position was made by a pod that counts like this one: the era is the same, and so is the tick, if
     * this log and the client know it.
     */
    boolean agrees(Position position) {
        long tick = ticks.getAcquire((int) position.tick() & (TICKS - 1));
        return position.era().equals(era)
                && (position.nonce() == Position.UNKNOWN_NONCE
                        || tick >>> Integer.SIZE != position.tick()
                        || (int) tick == position.nonce());
    }

    /**
     * Whether everything after the offset has been appended, even if it was evicted later. To be called after the offset was
     * found not to be after the {@link #head}. A pod that lost a tick names positions after the end of the tick before, and
     * nobody else knows what is before these.
     */
    boolean coversAllSince(long offset) {
        long end = ends.getAcquire((int) Position.tick(offset) & (TICKS - 1));
        return offset >= adoption && (Position.tick(end) != Position.tick(offset) || offset <= end);
    }

    /** Whether the position is of the same era. */
    boolean isOf(Position position) {
        return position.era().equals(era);
    }

    private Position position(long offset, int nonce) {
        return new Position(era, offset, nonce);
    }

    /** Returns the position of an entry of the channel; its segment must be pinned. */
    Position position(Segment segment, int at, Channel channel) {
        int count = segment.count(at);
        Position position = position(segment.offset(at), segment.nonce(at));
        return count == 0 ? position : position.named(new Point(Since.key(channel.name()), count, segment.nonce(at)));
    }

    /** Whether its pods name positions by {@link Point}s. */
    boolean byChannel() {
        return byChannel;
    }

    /** What names an entry. */
    record Entry(long offset, int count, int check) {}

    /** Stands for an entry behind too many others in its slot. */
    static final Entry TOO_FAR = new Entry(0, 0, 0);

    /** Returns the entry of the channel with that count after a tick, {@link #TOO_FAR}, or {@code null} if there is none. */
    @Nullable
    Entry find(Channel channel, long tick, int count) {
        return walk(
                channel, tick, entry -> entry.count() == count && Position.tick(entry.offset()) == Position.tick(tick));
    }

    /** Returns the newest entry of the channel after a tick and up to an offset, as {@link #find}. */
    @Nullable
    Entry newestUpTo(Channel channel, long tick, long offset) {
        return walk(channel, tick, entry -> entry.offset() <= offset);
    }

    private @Nullable Entry walk(Channel channel, long tick, Predicate<Entry> wanted) {
        Segment segment = null;
        try {
            int passed = 0;
            for (long address = newest(channel); address != 0; passed++) {
                if (passed == Search.MAX_PASSED) {
                    return TOO_FAR;
                }
                if (segment == null || !segment.holds(address)) {
                    if (segment != null) {
                        segment.unpin();
                    }
                    segment = pin(address);
                }
                if (segment == null) {
                    return null;
                }
                int at = Segment.index(address);
                if (segment.offset(at) <= tick) {
                    return null;
                }
                Entry entry = new Entry(segment.offset(at), segment.count(at), segment.nonce(at));
                if (wanted.test(entry) && segment.isOn(at, channel)) {
                    return entry;
                }
                address = segment.previous(at);
            }
            return null;
        } finally {
            if (segment != null) {
                segment.unpin();
            }
        }
    }

    /** Returns the address of the newest entry in the channel's slot, or 0: {@link #pin} its segment, then read. */
    long newest(Channel channel) {
        return newest.getAcquire(slot(channel.hashCode()));
    }

    /** Returns the offset of the newest evicted publication of the channel's slot. It can rise at any time. */
    long newestEvicted(Channel channel) {
        return evicted.getAcquire(slot(channel.hashCode()));
    }

    /** Returns the segment of an address, pinned; {@code null} if it was evicted. */
    @Nullable
    Segment pin(long address) {
        Segment segment = segments.getAcquire(index(Segment.number(address)));
        return segment != null && segment.holds(address) && segment.pin() ? segment : null;
    }

    /** In bytes of memory. */
    long bytes() {
        return bytes;
    }

    /** Returns the time after which no publication is missing, as {@link System#nanoTime()}. */
    long oldestAt() {
        return oldestAt;
    }

    private Segment segment(long number) {
        return Objects.requireNonNull(segments.getPlain(index(number)));
    }

    private int index(long number) {
        return (int) number & (segments.length() - 1);
    }

    private int slot(int hash) {
        return (hash * SPREAD) >>> shift;
    }

    /** Returns the slot of a hash in a single log. */
    static int slotOfSingle(int hash) {
        return (hash * SPREAD) >>> (Integer.SIZE - SLOT_BITS);
    }
}
