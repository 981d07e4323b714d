package dev.sluice.history;

import dev.sluice.clock.Point;
import dev.sluice.route.Channel;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A part of the log: entries one after the other in one array. One thread writes. Other threads read published entries
 * between {@link #pin} and {@link #unpin}; the array is not reused until then.
 */
final class Segment {

    /** Memory of an entry besides name and payload, in bytes. */
    static final int HEADER = 48;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());

    // Offsets of the fields in an entry.
    private static final int OFFSET = 0;
    private static final int PREVIOUS = 8;
    private static final int SEQUENCE = 16;
    private static final int RECEIVED_AT = 24;
    private static final int HASH = 32;
    private static final int NONCE = 36;
    private static final int NAME_LENGTH = 40;
    private static final int LENGTH = 44;

    /** Of the lower bits of the name's length; the others are the count, see {@link Point}. */
    private static final int NAME_BITS = 11;

    private static final int NAME = (1 << NAME_BITS) - 1;

    /** Replaces the number of readers once no more are allowed. */
    private static final int CLOSED = -1;

    private final long number;
    private final byte[] bytes;
    private final AtomicInteger readers = new AtomicInteger();

    // Used by the writing thread.
    private int end;
    private long firstAt;
    private long newestAt;

    /**
     * Creates an empty segment.
     *
     * @param number its place among all segments of the log
     * @param bytes used only by this segment
     */
    Segment(long number, byte[] bytes) {
        this.number = number;
        this.bytes = bytes;
    }

    /** Returns the address of an entry. */
    static long address(long number, int index) {
        return number << Integer.SIZE | index;
    }

    /** Returns the offset in its segment of the entry with this address. */
    static int index(long address) {
        return (int) address;
    }

    /** Returns the number of the segment that has the entry with this address. */
    static long number(long address) {
        return address >>> Integer.SIZE;
    }

    boolean holds(long address) {
        return number(address) == number;
    }

    long number() {
        return number;
    }

    /** In bytes. */
    int capacity() {
        return bytes.length;
    }

    boolean fits(int length) {
        return length <= bytes.length - end - HEADER;
    }

    /** The offset of the next entry. */
    int end() {
        return end;
    }

    /** When the first publication in it was received. */
    long firstAt() {
        return firstAt;
    }

    /** When the newest publication in it was received. */
    long newestAt() {
        return newestAt;
    }

    /**
     * Adds an entry that {@link #fits}. To be called by the writing thread.
     *
     * @param nonce of the position, or the check of its {@link Point}
     * @param count that of its {@link Point}, or 0
     * @param previous what {@link #previous} is to return
     * @param entry name and payload
     */
    void add(
            long offset,
            int nonce,
            int count,
            long previous,
            long sequence,
            Channel channel,
            byte[] entry,
            long receivedAt) {
        int at = end;
        LONGS.set(bytes, at + OFFSET, offset);
        LONGS.set(bytes, at + PREVIOUS, previous);
        LONGS.set(bytes, at + SEQUENCE, sequence);
        LONGS.set(bytes, at + RECEIVED_AT, receivedAt);
        INTS.set(bytes, at + HASH, channel.hashCode());
        INTS.set(bytes, at + NONCE, nonce);
        INTS.set(bytes, at + NAME_LENGTH, count << NAME_BITS | channel.length());
        INTS.set(bytes, at + LENGTH, entry.length);
        System.arraycopy(entry, 0, bytes, at + HEADER, entry.length);
        if (at == 0) {
            firstAt = receivedAt;
        }
        newestAt = receivedAt;
        end = Math.min(bytes.length, next(at));
    }

    /** Returns the offset of the next entry, a multiple of eight. */
    int next(int at) {
        return (at + HEADER + (int) INTS.get(bytes, at + LENGTH) + Long.BYTES - 1) & -Long.BYTES;
    }

    /** The position's. */
    long offset(int at) {
        return (long) LONGS.get(bytes, at + OFFSET);
    }

    /** The position's nonce, or the check of its point. */
    int nonce(int at) {
        return (int) INTS.get(bytes, at + NONCE);
    }

    /** The count of the position's point; 0 if it has none. */
    int count(int at) {
        return (int) INTS.get(bytes, at + NAME_LENGTH) >>> NAME_BITS;
    }

    private int nameLength(int at) {
        return (int) INTS.get(bytes, at + NAME_LENGTH) & NAME;
    }

    /** Returns the address of the previous entry of the same slot. */
    long previous(int at) {
        return (long) LONGS.get(bytes, at + PREVIOUS);
    }

    long sequence(int at) {
        return (long) LONGS.get(bytes, at + SEQUENCE);
    }

    long receivedAt(int at) {
        return (long) LONGS.get(bytes, at + RECEIVED_AT);
    }

    /** Returns the hash of the channel. */
    int hash(int at) {
        return (int) INTS.get(bytes, at + HASH);
    }

    boolean isOn(int at, Channel channel) {
        return hash(at) == channel.hashCode() && channel.isNamed(bytes, at + HEADER, at + HEADER + nameLength(at));
    }

    /** Returns the length of name and payload, in bytes. */
    int length(int at) {
        return (int) INTS.get(bytes, at + LENGTH);
    }

    byte[] payload(int at) {
        return Arrays.copyOfRange(bytes, at + HEADER + nameLength(at), at + HEADER + length(at));
    }

    /** Lets the calling thread read until {@link #unpin}; returns false if the segment is closed. */
    boolean pin() {
        int now = readers.get();
        while (now != CLOSED) {
            int found = readers.compareAndExchange(now, now + 1);
            if (found == now) {
                return true;
            }
            now = found;
        }
        return false;
    }

    void unpin() {
        readers.decrementAndGet();
    }

    /** Forbids further reading, and returns the array for reuse; returns null while a thread reads. */
    byte @Nullable [] close() {
        return readers.compareAndSet(0, CLOSED) ? bytes : null;
    }
}
