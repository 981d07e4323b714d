package dev.sluice.clock;

/**
 * The start of a sequence of ticks. A pod founds an era when it hears no ticks.
 *
 * @param start when it was founded, by the founder's clock, in milliseconds since 1970
 * @param random tells eras apart that were founded in one millisecond, by its lowest 16 bits where this pod founds one;
 *     the others tell how its publications are counted
 */
public record Era(long start, int random) implements Comparable<Era> {

    private static final int HEXADECIMAL = 16;
    private static final int BY_CHANNEL = 1 << Short.SIZE;

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
     * @param byChannel see {@link #byChannel}
     * @param random 16 random bits
     */
    public static Era founded(long start, boolean byChannel, int random) {
        return new Era(start, random | (byChannel ? BY_CHANNEL : 0));
    }

    /**
     * Whether its pods hear different channels, so that they name positions by {@link Point}s. Such an era is never equal
     * to one of pods that hear the same.
     */
    public boolean byChannel() {
        return random >>> Short.SIZE == 1;
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
