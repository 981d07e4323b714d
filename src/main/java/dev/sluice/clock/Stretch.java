package dev.sluice.clock;

/**
 * What was heard between two ticks: pods that heard the same have the same.
 *
 * @param count the messages
 * @param hash of their channels and lengths, in their order
 */
public record Stretch(long count, long hash) {

    /** An odd number whose bits are spread: a power of it moves each message's bits elsewhere. */
    private static final long FACTOR = 0x9E37_79B9_7F4A_7C15L;

    /** With one message more. */
    static long hash(long before, int channelHash, int length) {
        return (before ^ (((long) channelHash << Integer.SIZE) | (length & 0xFFFF_FFFFL))) * FACTOR;
    }
}
