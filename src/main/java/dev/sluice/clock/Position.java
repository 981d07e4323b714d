package dev.sluice.clock;

import org.jspecify.annotations.Nullable;

/**
 * A point in the order of publications that all pods share: the position of a publication, or the point after it.
 *
 * @param era in which it was named
 * @param offset the number of the last tick before it, times 2<sup>24</sup>, and the messages heard since; at most
 *     2<sup>53</sup>, so that JavaScript can count it
 * @param nonce the lowest 16 bits of that tick's; {@link #UNKNOWN_NONCE} where a client's protocol does not carry it
 * @param point the same for other pods, in eras {@link Era#byChannel}; the messages in the offset of such eras are only
 *     this pod's, and none in the position of a client. {@code null} in other eras, right after a tick, and where other
 *     pods have no name for it
 */
public record Position(
        Era era, long offset, int nonce, @Nullable Point point) {

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
    private static final int MIN_FIELDS = 3;
    private static final int MAX_FIELDS = 5;

    /** Creates a position without a point. */
    public Position(Era era, long offset, int nonce) {
        this(era, offset, nonce, null);
    }

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

    /** Returns the same position with a name for other pods. */
    public Position named(@Nullable Point name) {
        return new Position(era, offset, nonce, name);
    }

    /**
     * Returns the position of a client whose protocol has only the {@link #number} of a channel's positions; itself in eras
     * in which the number says it all.
     */
    public Position of(String channel) {
        int count = messages(offset);
        if (!era.byChannel() || count == 0) {
            return this;
        }
        return count > Point.MAX_COUNT
                ? NOWHERE
                : new Position(era, offset - count, nonce, new Point(Since.key(channel), count, Point.UNKNOWN_CHECK));
    }

    /** Whether clients can resume from it. */
    public boolean isNamed() {
        return point != null || !era.byChannel() || messages(offset) == 0;
    }

    /** Whether clients can resume all their channels from it, not only its own. */
    public boolean isOfAll() {
        return isNamed() && era.kind() != Era.Kind.OF_SHARD;
    }

    /** The number that rises with the publications of each channel. */
    public long number() {
        return point == null ? offset : afterTick() + point.count();
    }

    /** The offset of the last tick. */
    public long afterTick() {
        return offset - messages(offset);
    }

    private static int messages(long offset) {
        return (int) offset & MAX_MESSAGES;
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
     * Parses the output of {@link #toString} or {@link #ofPublication}.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static Position parse(String text) {
        String[] fields = text.split("\\.", MAX_FIELDS + 1);
        if (text.length() > MAX_LENGTH || fields.length < MIN_FIELDS || fields.length > MAX_FIELDS) {
            throw new IllegalArgumentException("no position");
        }
        Era era = Era.parse(fields[0]);
        long offset = Long.parseLong(fields[1]);
        int nonce = Integer.parseUnsignedInt(fields[2], HEXADECIMAL);
        Position position;
        String same;
        if (fields.length == MIN_FIELDS) {
            position = new Position(era, offset, nonce);
            same = position.toString();
        } else if (fields.length == MAX_FIELDS) {
            Point point = Point.parse(fields[3], Integer.parseInt(fields[4], Point.RADIX), nonce);
            position = new Position(era, offset, UNKNOWN_NONCE, point);
            same = position.toString();
        } else {
            Point point = Point.parse(fields[3], messages(offset), nonce);
            position = new Position(era, offset - point.count(), UNKNOWN_NONCE, point);
            same = position.ofPublication();
        }
        if (position.tick() < 1
                || position.tick() > MAX_TICK
                || (position.point != null && !era.byChannel())
                || !position.isNamed()
                || !same.equals(text)) {
            throw new IllegalArgumentException("no position");
        }
        return position;
    }

    /**
     * Returns the text for a publication, whose second field rises with those of its channel: the {@link #number}. That of
     * other positions is not above the next publication of any channel.
     */
    public String ofPublication() {
        return point == null
                ? toString()
                : era + "." + number() + "." + Integer.toHexString(point.check()) + "." + point.key();
    }

    @Override
    public String toString() {
        return point == null
                ? era + "." + offset + "." + Integer.toHexString(nonce)
                : era + "." + afterTick() + "." + Integer.toHexString(point.check()) + "." + point.key() + "."
                        + Integer.toString(point.count(), Point.RADIX);
    }
}
