package dev.sluice.clock;

/**
 * What a pod heard between two ticks. Pods that heard the same messages have equal stretches.
 *
 * @param count the messages
 * @param hash of their channels and lengths, in their order
 */
public record Stretch(long count, long hash) {

    /** An odd number with spread bits. Its powers move the bits of each message to other places. */
    private static final long FACTOR = 0x9E37_79B9_7F4A_7C15L;

    /** Returns the hash after one more message. */
    static long hash(long before, int channelHash, int length) {
        return (before ^ (((long) channelHash << Integer.SIZE) | (length & 0xFFFF_FFFFL))) * FACTOR;
    }
}
