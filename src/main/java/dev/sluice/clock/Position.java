package dev.sluice.clock;

import org.jspecify.annotations.Nullable;

/**
 * A point in the order of publications that all pods share: the position of a publication, or the point after it.
 *
 * @param era in which it was named
 * @param offset the number of the last tick before it, times 2<sup>24</sup>, and the messages heard since; at most
 *     2<sup>53</sup>, so that JavaScript can count it
 * @param nonce the lowest 16 bits of that tick's; {@link #UNKNOWN_NONCE} where a client's protocol does not carry it
 */
public record Position(Era era, long offset, int nonce) {

    /** The number of messages between two ticks that can have a position. */
    static final int MAX_MESSAGES = (1 << 24) - 1;

    /** Enough for 17 years at one tick a second. */
    static final long MAX_TICK = (1L << 29) - 1;

    /** Of a position that is checked by era and offset alone. */
    public static final int UNKNOWN_NONCE = 0;

    /** A position that no pod has. */
    public static final Position NOWHERE = new Position(new Era(0, 0), 0, UNKNOWN_NONCE);

    private static final int BITS = 24;

    /** Few, because each publication of v2 carries them; the ticks' own nonces prove the order. */
    private static final long NONCE_BITS = (1 << 16) - 1;

    private static final int HEXADECIMAL = 16;
    private static final int MAX_LENGTH = 96;

    public static Position of(Era era, long tick, int messages, long nonce) {
        return new Position(era, tick << BITS | messages, (int) (nonce & NONCE_BITS));
    }

    /** Returns the position with that era and offset, {@link #NOWHERE} if there can be none. */
    public static Position withoutNonce(Era era, long offset) {
        Position position = new Position(era, offset, UNKNOWN_NONCE);
        return offset >= 0 && position.tick() <= MAX_TICK ? position : NOWHERE;
    }

    /** Returns the position of a later message, or {@code null} if it has none because no tick came in time. */
    public @Nullable Position plus(int messages) {
        return names(messages) ? new Position(era, offset + messages, nonce) : null;
    }

    /** Whether a later message has a position. */
    public boolean names(int messages) {
        return (offset & MAX_MESSAGES) + messages <= MAX_MESSAGES;
    }

    /** Whether the other position is later in the same era. */
    public boolean precedes(@Nullable Position other) {
        return other != null && other.era.equals(era) && other.offset > offset;
    }

    /** The number of the last tick before this position. */
    public long tick() {
        return tick(offset);
    }

    /** The number of the last tick before a position with that offset. */
    public static long tick(long offset) {
        return offset >>> BITS;
    }

    /**
     * Parses the output of {@link #toString}.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static Position parse(String text) {
        int first = text.indexOf('.');
        int second = text.indexOf('.', first + 1);
        if (text.length() > MAX_LENGTH || first < 0 || second < 0) {
            throw new IllegalArgumentException("no position");
        }
        Position position = new Position(
                Era.parse(text.substring(0, first)),
                Long.parseLong(text.substring(first + 1, second)),
                Integer.parseUnsignedInt(text.substring(second + 1), HEXADECIMAL));
        if (position.tick() < 1
                || position.tick() > MAX_TICK
                || !position.toString().equals(text)) {
            throw new IllegalArgumentException("no position");
        }
        return position;
    }

    @Override
    public String toString() {
        return era + "." + offset + "." + Integer.toHexString(nonce);
    }
}
