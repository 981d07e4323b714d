package dev.sluice.clock;

/**
 * The start of a sequence of ticks. A pod founds an era when it hears no ticks.
 *
 * @param start when it was founded, by the founder's clock, in milliseconds since 1970
 * @param random tells eras apart that were founded in one millisecond, by its lowest 16 bits where this pod founds one;
 *     the others tell how its publications are counted
 */
public record Era(long start, int random) implements Comparable<Era> {

    /** What the pods of an era hear. */
    public enum Kind {
        /** All hear the same. */
        COMMON(0),
        /** They hear different channels, and name positions by {@link Point}s. */
        BY_CHANNEL(1),
        /** They hear different channels of one shard: a position says nothing of channels of other shards. */
        OF_SHARD(2);

        /** What the bits of an era say. */
        private final int code;

        Kind(int code) {
            this.code = code;
        }
    }

    private static final Kind[] KINDS = Kind.values();

    private static final int HEXADECIMAL = 16;

    /**
     * Parses the output of {@link #toString}.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static Era parse(String text) {
        int dash = text.indexOf('-');
        if (dash < 0) {
            throw new IllegalArgumentException("no era");
        }
        Era era = new Era(
                Long.parseUnsignedLong(text.substring(0, dash), HEXADECIMAL),
                Integer.parseUnsignedInt(text.substring(dash + 1), HEXADECIMAL));
        if (!era.toString().equals(text)) {
            throw new IllegalArgumentException("no era");
        }
        return era;
    }

    /**
     * Returns an era that begins now.
     *
     * @param random 16 random bits
     */
    public static Era founded(long start, Kind kind, int random) {
        return new Era(start, random | kind.code << Short.SIZE);
    }

    /** What its pods hear. Eras of different kinds are never equal. */
    public Kind kind() {
        int code = random >>> Short.SIZE;
        for (Kind kind : KINDS) {
            if (kind.code == code) {
                return kind;
            }
        }
        return Kind.COMMON;
    }

    /** Whether its pods hear different channels, so that they name positions by {@link Point}s. */
    public boolean byChannel() {
        return kind() != Kind.COMMON;
    }

    /** Orders older eras first. */
    @Override
    public int compareTo(Era other) {
        int byStart = Long.compareUnsigned(start, other.start);
        return byStart != 0 ? byStart : Integer.compareUnsigned(random, other.random);
    }

    @Override
    public String toString() {
        return Long.toHexString(start) + "-" + Integer.toHexString(random);
    }
}
