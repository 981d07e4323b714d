package dev.sluice.history;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.route.Channel;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What was published since a position of one era, in segments of which the oldest is evicted. Entries whose channels share a
 * slot of a hash table form a list from the newest to the oldest. One thread writes. Any thread reads, without locks: the
 * head is written after the list that leads to the entry, and that after the entry.
 */
final class PublicationLog {

    private static final int SLOT_BITS = 16;

    /** An odd number whose bits are spread, so that names that differ in their last digits do not share slots. */
    private static final int SPREAD = 0x9E37_79B9;

    /** Ticks whose nonces are known: an hour of one tick a second. */
    private static final int TICKS = 1 << 12;

    private static final long NONCE = 0xFFFF_FFFFL;

    /** The part of the age after which a segment gets no more entries, so that a quiet one is evicted in time. */
    private static final int AGE_PARTS = 16;

    /**
     * What bounds a log.
     *
     * @param segmentBytes the capacity of a segment; one entry that needs more gets a segment of its own
     * @param maxAge in nanoseconds
     */
    record Bounds(int segmentBytes, long maxBytes, long maxAge) {}

    private final Bounds bounds;
    private final IntFunction<byte[]> arrays;
    private final Era era;

    /** Everything after it has been appended, since it began. */
    private final long adoption;

    /** The segments by the last bits of their numbers. */
    private final AtomicReferenceArray<@Nullable Segment> segments;

    /** By slot the address of the newest entry: the number of its segment, then its place there. 0 where there is none. */
    private final AtomicLongArray newest = new AtomicLongArray(1 << SLOT_BITS);

    /** By slot the offset of the newest publication that is no longer here. */
    private final AtomicLongArray evicted = new AtomicLongArray(1 << SLOT_BITS);

    /** Numbers and nonces of the last ticks. */
    private final AtomicLongArray ticks = new AtomicLongArray(TICKS);

    /** The offset up to which everything is here. */
    private volatile long head;

    /** No publication received after that time is missing. */
    private volatile long oldestAt;

    /** The memory of all segments. */
    private volatile long bytes;

    // Of the thread that writes.
    private @Nullable Segment current;
    private byte @Nullable [] spare;
    private long used;
    private long oldest = 1;
    private long next = 1;

    /** An empty one, to which everything after the position will be appended. */
    PublicationLog(Bounds bounds, IntFunction<byte[]> arrays, Position position, long now) {
        this.bounds = bounds;
        this.arrays = arrays;
        this.era = position.era();
        this.adoption = position.offset();
        this.oldestAt = now;
        long most = bounds.maxBytes() / bounds.segmentBytes() + 1;
        this.segments = new AtomicReferenceArray<>(Integer.highestOneBit((int) Math.min(most, 1 << 24)) << 1);
        follow(position, now);
    }

    /**
     * Whether positions go on with this one: it counts from the same tick as the head or from the next one. A pod that skips
     * ticks has begun to count anew.
     */
    boolean leadsTo(Position position) {
        long last = head;
        long passed = position.tick() - Position.tick(last);
        return position.era().equals(era)
                && position.offset() >= last
                && (passed == 1 || (passed == 0 && position.nonce() == nonce(last)));
    }

    /** Everything up to the position, that this {@link #leadsTo}, has been appended. Evicts what is too old. */
    void follow(Position position, long now) {
        long tick = position.tick();
        ticks.setRelease((int) tick & (TICKS - 1), tick << Integer.SIZE | (position.nonce() & NONCE));
        head = position.offset();
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

    /** Adds the next publication. To be called by the thread that writes. */
    void append(long offset, int nonce, long sequence, Channel channel, byte[] entry, long receivedAt) {
        int slot = slot(channel.hashCode());
        Segment segment = current;
        if (segment == null || !segment.fits(entry.length)) {
            segment = roll(entry.length);
        }
        if (segment == null) {
            evicted.setPlain(slot, offset);
        } else {
            long address = Segment.address(segment.number(), segment.end());
            segment.add(offset, nonce, newest.getPlain(slot), sequence, channel, entry, receivedAt);
            newest.setRelease(slot, address);
        }
        // Volatile: a client that subscribes either sees it here, or is seen by the search for listeners that follows.
        head = offset;
    }

    /** A segment with room for an entry; null where it would be too large. */
    private @Nullable Segment roll(int length) {
        int capacity = Math.max(bounds.segmentBytes(), Segment.HEADER + length);
        if (capacity > bounds.maxBytes()) {
            return null;
        }
        current = null;
        while (used + capacity > bounds.maxBytes()) {
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

    /** Evicts the oldest segment. Readers that can't pin it find its entries in {@link #evicted}. */
    private void evict() {
        Segment segment = segment(oldest);
        for (int at = 0; at < segment.end(); at = segment.next(at)) {
            int slot = slot(segment.hash(at));
            // One that never came in may be newer.
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

    /** The position up to which everything has been appended. */
    Position head() {
        long offset = head;
        return position(offset, nonce(offset));
    }

    /** Of the tick before the head. */
    private int nonce(long offset) {
        return (int) ticks.getAcquire((int) Position.tick(offset) & (TICKS - 1));
    }

    /** Whether this pod names positions as the one that named this does: the era is the same, and the tick, if known. */
    boolean agrees(Position position) {
        long tick = ticks.getAcquire((int) position.tick() & (TICKS - 1));
        return position.era().equals(era)
                && (tick >>> Integer.SIZE != position.tick() || (int) tick == position.nonce());
    }

    /** Whether everything after the position has been appended, be it evicted or not. */
    boolean coversAllSince(Position position) {
        return position.offset() >= adoption;
    }

    /** The position of an entry. */
    Position position(long offset, int nonce) {
        return new Position(era, offset, nonce);
    }

    /** The address of the newest entry in the channel's slot, 0 where there is none: {@link #pin} the segment, then read. */
    long newest(Channel channel) {
        return newest.getAcquire(slot(channel.hashCode()));
    }

    /**
     * The offset of the newest publication in the channel's slot that is not here any more. After it has been read, it can
     * rise.
     */
    long newestEvicted(Channel channel) {
        return evicted.getAcquire(slot(channel.hashCode()));
    }

    /** The segment of an address, pinned; {@code null} where it has been evicted. */
    @Nullable
    Segment pin(long address) {
        Segment segment = segments.getAcquire(index(Segment.number(address)));
        return segment != null && segment.holds(address) && segment.pin() ? segment : null;
    }

    /** In bytes of memory. */
    long bytes() {
        return bytes;
    }

    /** When the oldest publication was received after which none is missing, by {@link System#nanoTime()}. */
    long oldestAt() {
        return oldestAt;
    }

    private Segment segment(long number) {
        return Objects.requireNonNull(segments.getPlain(index(number)));
    }

    private int index(long number) {
        return (int) number & (segments.length() - 1);
    }

    static int slot(int hash) {
        return (hash * SPREAD) >>> (Integer.SIZE - SLOT_BITS);
    }
}
