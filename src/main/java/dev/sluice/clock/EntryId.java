package dev.sluice.clock;

/**
 * The ID of an entry of a Redis stream: its position in the order of its channel. Both parts are unsigned.
 *
 * @param millis usually the time of Redis at which the entry was added, in milliseconds since 1970
 * @param number distinguishes entries of the same millisecond
 */
public record EntryId(long millis, long number) implements Comparable<EntryId> {

    /** Before every entry; no entry has this ID. */
    public static final EntryId ZERO = new EntryId(0, 0);

    /** What a client names that wants everything that the stream has. */
    public static final EntryId BEGINNING = new EntryId(0, -1);

    /**
     * What clients of a stream without entries get as its position. They send {@code 0-0} to get everything, so that can't
     * be it.
     */
    private static final EntryId SENT_FOR_ZERO = new EntryId(0, 1);

    private static final int MAX_DIGITS = 20;

    /**
     * Parses the output of {@link #toString}.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static EntryId parse(String text) {
        if (text.equals("0")) {
            return BEGINNING;
        }
        int dash = text.indexOf('-');
        if (dash < 0 || text.length() > 2 * MAX_DIGITS + 1) {
            throw new IllegalArgumentException("no entry ID");
        }
        EntryId id = new EntryId(
                Long.parseUnsignedLong(text.substring(0, dash)), Long.parseUnsignedLong(text.substring(dash + 1)));
        if (!id.toString().equals(text)) {
            throw new IllegalArgumentException("no entry ID");
        }
        return id;
    }

    /**
     * Parses what a client sends as its last entry: {@code 0} or {@code 0-0} for everything, or the output of {@link
     * #since}.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static EntryId parseSince(String text) {
        EntryId id = parse(text);
        return id.equals(ZERO) ? BEGINNING : id.equals(SENT_FOR_ZERO) ? ZERO : id;
    }

    /** Returns what the client sends as its last entry if it has nothing after this one. */
    public String since() {
        return (equals(ZERO) ? SENT_FOR_ZERO : this).toString();
    }

    @Override
    public int compareTo(EntryId other) {
        int order = Long.compareUnsigned(millis, other.millis);
        return order == 0 ? Long.compareUnsigned(number, other.number) : order;
    }

    /** Whether the other ID is later. */
    public boolean precedes(EntryId other) {
        return compareTo(other) < 0;
    }

    @Override
    public String toString() {
        if (equals(BEGINNING)) {
            return "0";
        }
        return Long.toUnsignedString(millis) + "-" + Long.toUnsignedString(number);
    }
}
