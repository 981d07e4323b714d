package dev.sluice.clock;

/**
 * What one pod heard up to a tick. Pods publish their summaries if they differ.
 *
 * @param pod tells pods apart
 * @param era of the tick
 * @param number of the tick
 * @param nonce of the tick
 * @param stretch what was heard between the tick before it and it
 */
public record Summary(long pod, Era era, long number, long nonce, Stretch stretch) {

    private static final String WORD = "heard";
    private static final int HEXADECIMAL = 16;
    private static final int FIELDS = 7;

    /** Whether the text may be a summary, and is not a {@link Tick}. */
    public static boolean isOne(String text) {
        return text.startsWith(WORD);
    }

    /** Whether the other pod heard the same up to the same tick. */
    boolean agrees(Summary other) {
        return nonce == other.nonce && stretch.equals(other.stretch);
    }

    /** Whether the publisher of the next tick heard the same, as far as the tick says. */
    boolean agrees(Tick following) {
        return following.previous() == nonce
                && (following.stretch() == null || following.stretch().equals(stretch));
    }

    /**
     * Parses the output of {@link #toString}.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static Summary parse(String text) {
        String[] fields = text.split(" ", FIELDS + 1);
        if (fields.length != FIELDS || !fields[0].equals(WORD)) {
            throw new IllegalArgumentException("no summary");
        }
        return new Summary(
                Long.parseUnsignedLong(fields[1], HEXADECIMAL),
                Era.parse(fields[2]),
                Long.parseLong(fields[3]),
                Long.parseUnsignedLong(fields[4], HEXADECIMAL),
                new Stretch(Long.parseLong(fields[5]), Long.parseUnsignedLong(fields[6], HEXADECIMAL)));
    }

    @Override
    public String toString() {
        return WORD + " " + Long.toHexString(pod) + " " + era + " " + number + " " + Long.toHexString(nonce) + " "
                + stretch.count() + " " + Long.toHexString(stretch.hash());
    }
}
