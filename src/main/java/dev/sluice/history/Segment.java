package dev.sluice.history;

import dev.sluice.route.Channel;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of the log: entries one after the other in one array. Written by one thread. Others read entries that were
 * published to them, between {@link #pin} and {@link #unpin}: until then the array is not used again.
 */
final class Segment {

    /** What an entry takes besides name and payload, in bytes. */
    static final int HEADER = 48;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());

    // Where in an entry they are.
    private static final int OFFSET = 0;
    private static final int PREVIOUS = 8;
    private static final int SEQUENCE = 16;
    private static final int RECEIVED_AT = 24;
    private static final int HASH = 32;
    private static final int NONCE = 36;
    private static final int NAME_LENGTH = 40;
    private static final int LENGTH = 44;

    /** Instead of a number of readers: there will be no more. */
    private static final int CLOSED = -1;

    private final long number;
    private final byte[] bytes;
    private final AtomicInteger readers = new AtomicInteger();

    // Of the thread that writes.
    private int end;
    private long firstAt;
    private long newestAt;

    /**
     * An empty one.
     *
     * @param number its place among all segments of the log
     * @param bytes which nobody else uses
     */
    Segment(long number, byte[] bytes) {
        this.number = number;
        this.bytes = bytes;
    }

    /** The address of an entry. */
    static long address(long number, int index) {
        return number << Integer.SIZE | index;
    }

    /** Where in its segment the entry with that address is. */
    static int index(long address) {
        return (int) address;
    }

    /** The number of the segment in which the entry with that address is. */
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

    /** Where the next entry will be. */
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
     * Adds an entry that {@link #fits}. To be called by the thread that writes.
     *
     * @param previous what {@link #previous} is to return
     * @param entry name and payload
     */
    void add(long offset, int nonce, long previous, long sequence, Channel channel, byte[] entry, long receivedAt) {
        int at = end;
        LONGS.set(bytes, at + OFFSET, offset);
        LONGS.set(bytes, at + PREVIOUS, previous);
        LONGS.set(bytes, at + SEQUENCE, sequence);
        LONGS.set(bytes, at + RECEIVED_AT, receivedAt);
        INTS.set(bytes, at + HASH, channel.hashCode());
        INTS.set(bytes, at + NONCE, nonce);
        INTS.set(bytes, at + NAME_LENGTH, channel.length());
        INTS.set(bytes, at + LENGTH, entry.length);
        System.arraycopy(entry, 0, bytes, at + HEADER, entry.length);
        if (at == 0) {
            firstAt = receivedAt;
        }
        newestAt = receivedAt;
        end = Math.min(bytes.length, next(at));
    }

    /** The entry behind this one, on a multiple of eight. */
    int next(int at) {
        return (at + HEADER + (int) INTS.get(bytes, at + LENGTH) + Long.BYTES - 1) & -Long.BYTES;
    }

    /** The position's. */
    long offset(int at) {
        return (long) LONGS.get(bytes, at + OFFSET);
    }

    /** The position's. */
    int nonce(int at) {
        return (int) INTS.get(bytes, at + NONCE);
    }

    /** The address of the entry before in the same slot. */
    long previous(int at) {
        return (long) LONGS.get(bytes, at + PREVIOUS);
    }

    long sequence(int at) {
        return (long) LONGS.get(bytes, at + SEQUENCE);
    }

    long receivedAt(int at) {
        return (long) LONGS.get(bytes, at + RECEIVED_AT);
    }

    /** The channel's. */
    int hash(int at) {
        return (int) INTS.get(bytes, at + HASH);
    }

    boolean isOn(int at, Channel channel) {
        return hash(at) == channel.hashCode()
                && channel.isNamed(bytes, at + HEADER, at + HEADER + (int) INTS.get(bytes, at + NAME_LENGTH));
    }

    /** How long name and payload are, in bytes. */
    int length(int at) {
        return (int) INTS.get(bytes, at + LENGTH);
    }

    byte[] payload(int at) {
        return Arrays.copyOfRange(
                bytes, at + HEADER + (int) INTS.get(bytes, at + NAME_LENGTH), at + HEADER + length(at));
    }

    /** Lets the calling thread read until {@link #unpin}; false where the segment is closed. */
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

    /** Lets nobody read any more and returns the array to be used again; null while somebody reads. */
    byte @Nullable [] close() {
        return readers.compareAndSet(0, CLOSED) ? bytes : null;
    }
}
