package dev.sluice.clock;

/**
 * A position for pods that hear different channels. Two of them agree only on what a channel that both hear has had
 * since a tick; as Redis has one order, that is a point in the order of all channels.
 *
 * @param key of the channel, see {@link Since#key}
 * @param count the publications of the channel since the tick, at least 1; the point is after the last of them
 * @param check of the tick and these publications, so that pods that heard others do not resume from it; {@link
 *     #UNKNOWN_CHECK} where a client's protocol does not carry it
 */
public record Point(String key, int count, int check) {

    /** The publications of a channel between two ticks that can be named. */
    public static final int MAX_COUNT = (1 << 20) - 1;

    /** Of a point that is checked by its count alone. */
    public static final int UNKNOWN_CHECK = -1;

    static final int RADIX = 36;
    private static final int MAX_KEY = 8;

    static Point parse(String key, long count, int check) {
        boolean wellFormed = !key.isEmpty() && key.length() <= MAX_KEY && count > 0 && count <= MAX_COUNT;
        if (!wellFormed || !Long.toString(Long.parseLong(key, RADIX), RADIX).equals(key)) {
            throw new IllegalArgumentException("no point");
        }
        return new Point(key, (int) count, check);
    }
}
