package dev.sluice.clock;

import org.jspecify.annotations.Nullable;

/**
 * A message that pods publish to mark a point in the order that all pods share.
 *
 * @param era whose tick it is
 * @param number 1 for the founder's
 * @param nonce tells it apart from others of the same number
 * @param previous the nonce of the tick before, 0 for the founder's
 * @param stretch what its publisher heard between the two ticks before, {@code null} where it had not heard the first of them,
 *     and where pods hear different messages
 */
public record Tick(
        Era era,
        long number,
        long nonce,
        long previous,
        @Nullable Stretch stretch) {

    private static final int HEXADECIMAL = 16;
    private static final int FIELDS = 6;
    private static final String UNKNOWN = "-";

    /**
     * Parses the output of {@link #toString}.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static Tick parse(String text) {
        String[] fields = text.split(" ", FIELDS + 1);
        if (fields.length != FIELDS) {
            throw new IllegalArgumentException("no tick");
        }
        long number = Long.parseLong(fields[1]);
        if (number < 1 || number > Position.MAX_TICK) {
            throw new IllegalArgumentException("no number of a tick");
        }
        return new Tick(
                Era.parse(fields[0]),
                number,
                Long.parseUnsignedLong(fields[2], HEXADECIMAL),
                Long.parseUnsignedLong(fields[3], HEXADECIMAL),
                fields[4].equals(UNKNOWN)
                        ? null
                        : new Stretch(Long.parseLong(fields[4]), Long.parseUnsignedLong(fields[5], HEXADECIMAL)));
    }

    /** Returns the tick without what its publisher heard. */
    Tick withoutStretch() {
        return new Tick(era, number, nonce, previous, null);
    }

    @Override
    public String toString() {
        return era + " " + number + " " + Long.toHexString(nonce) + " " + Long.toHexString(previous) + " "
                + (stretch == null
                        ? UNKNOWN + " " + UNKNOWN
                        : stretch.count() + " " + Long.toHexString(stretch.hash()));
    }
}
