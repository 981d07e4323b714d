package dev.sluice.clock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A hash of a channel's name that is equal in all pods. It takes few instructions, because it is computed for every
 * publication. Immutable, so any thread may call it.
 */
public final class NameHash {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** An odd number with spread bits. */
    private static final long FACTOR = 0x9E37_79B9_7F4A_7C15L;

    private NameHash() {}

    /** Returns the hash of the first bytes. */
    public static int of(byte[] bytes, int length) {
        long hash = length;
        int at = 0;
        for (; at + Long.BYTES <= length; at += Long.BYTES) {
            hash = (hash ^ (long) LONGS.get(bytes, at)) * FACTOR;
            hash ^= hash >>> Integer.SIZE;
        }
        for (; at < length; at++) {
            hash = (hash ^ bytes[at]) * FACTOR;
        }
        return (int) (hash >>> Integer.SIZE);
    }
}
