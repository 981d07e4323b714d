package dev.sluice.stream;

/** How many entries to read at once. Redis can't bound the bytes of a reply, so the earlier ones decide. */
public final class ReadSize {

    /** Few, because nothing is known of the first ones. */
    private static final int MIN_COUNT = 4;

    private int count = MIN_COUNT;

    ReadSize() {}

    /** The number of entries of the next read. */
    int count(int max) {
        return Math.min(count, max);
    }

    /** Records a read. */
    void adapt(int entries, long bytes, int maxBytes) {
        if (bytes > maxBytes) {
            // Two, because the first one may be known already.
            count = (int) Math.max(2, entries * (long) maxBytes / bytes);
        } else if (entries < count) {
            count = Math.max(MIN_COUNT, 2 * entries);
        } else if (bytes <= maxBytes / 2 && count <= Integer.MAX_VALUE / 2) {
            count *= 2;
        }
    }
}
