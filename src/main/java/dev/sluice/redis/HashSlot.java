package dev.sluice.redis;

/** The hash slot of a key or of a channel of sharded pub/sub, which decides on its shard in a Redis Cluster. */
public final class HashSlot {

    /** The number of slots of every cluster. */
    public static final int COUNT = 16_384;

    /** CRC-16 with this polynomial, from zero, not reflected. */
    private static final int POLYNOMIAL = 0x1021;

    private static final int[] TABLE = table();

    private HashSlot() {}

    /** Returns the slot. Of a name with a hash tag, such as {@code a{tag}b}, only the first tag is hashed. */
    public static int of(byte[] name) {
        int start = 0;
        int end = name.length;
        int open = indexOf(name, '{', 0);
        if (open >= 0) {
            int close = indexOf(name, '}', open + 1);
            // An empty tag is none.
            if (close > open + 1) {
                start = open + 1;
                end = close;
            }
        }
        int crc = 0;
        for (int i = start; i < end; i++) {
            crc = ((crc << 8) & 0xFFFF) ^ TABLE[((crc >>> 8) ^ name[i]) & 0xFF];
        }
        return crc % COUNT;
    }

    private static int indexOf(byte[] name, char wanted, int from) {
        for (int i = from; i < name.length; i++) {
            if (name[i] == wanted) {
                return i;
            }
        }
        return -1;
    }

    private static int[] table() {
        int[] table = new int[256];
        for (int i = 0; i < table.length; i++) {
            int crc = i << 8;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                crc = (crc << 1) ^ ((crc & 0x8000) == 0 ? 0 : POLYNOMIAL);
            }
            table[i] = crc & 0xFFFF;
        }
        return table;
    }
}
