package dev.sluice.route;

import dev.sluice.clock.NameHash;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A valid channel of a known route. It keeps its name as bytes, so that a publication without listeners on this pod is
 * discarded without decoding. Equal to every channel of the same name; immutable.
 */
public final class Channel implements Comparable<Channel> {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final Route route;
    private final byte[] bytes;
    private final int length;
    private final int hash;

    /**
     * Creates a channel whose name is the first bytes of an array that never changes.
     *
     * @param hash the {@link NameHash} of the name
     */
    Channel(Route route, byte[] bytes, int length, int hash) {
        this.route = route;
        this.bytes = bytes;
        this.length = length;
        this.hash = hash;
    }

    /** The route of the prefix. */
    public Route route() {
        return route;
    }

    /** The whole name, {@code prefix:id}; invalid UTF-8 is replaced. */
    public String name() {
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    /** Returns the bytes of the whole name, which may not be valid UTF-8. */
    public byte[] nameBytes() {
        return Arrays.copyOf(bytes, length);
    }

    /** The length of the name in bytes. */
    public int length() {
        return length;
    }

    /** Returns the channel without the rest of its array, for long-lived use. */
    public Channel compact() {
        return bytes.length == length ? this : new Channel(route, Arrays.copyOf(bytes, length), length, hash);
    }

    /** Whether these bytes are the whole name. */
    public boolean isNamed(byte[] other, int from, int to) {
        return Arrays.equals(bytes, 0, length, other, from, to);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Channel channel
                && hash == channel.hash
                && length == channel.length
                && beginSame(bytes, channel.bytes, length);
    }

    /** Compares eight bytes at a time, as a compiler without a profile calls six methods for {@link Arrays#equals}. */
    private static boolean beginSame(byte[] one, byte[] other, int length) {
        int at = 0;
        for (; at + Long.BYTES <= length; at += Long.BYTES) {
            if ((long) LONGS.get(one, at) != (long) LONGS.get(other, at)) {
                return false;
            }
        }
        for (; at < length; at++) {
            if (one[at] != other[at]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** Orders channels so that hash maps stay fast when clients choose names whose hashes collide. */
    @Override
    public int compareTo(Channel other) {
        return Arrays.compare(bytes, 0, length, other.bytes, 0, other.length);
    }

    @Override
    public String toString() {
        return name();
    }
}
