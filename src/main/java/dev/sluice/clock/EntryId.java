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

    /** What older pods sent as the position of a stream without entries. */
    private static final long UNKNOWN_TIME = 1;

    /** In 2004: no time of a stream without entries is earlier, and hardly any number of an entry is larger. */
    private static final long EARLIEST_TIME = 1L << 40;

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
     * Parses what a client sends as its last entry: {@code 0} or {@code 0-0} for everything, or its {@link #position}.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static EntryId parseSince(String text) {
        EntryId id = parse(text);
        return id.equals(ZERO) ? BEGINNING : id;
    }

    /** Returns the position of clients of a stream that had no entry at that time, in milliseconds since 1970. */
    public static EntryId emptyAt(long time) {
        return new EntryId(0, time);
    }

    /**
     * Returns what a client sends as its last entry if it has nothing after this one. That of a stream without entries has the
     * time: a stream that is empty again was perhaps not empty all the time.
     */
    public EntryId position() {
        return equals(ZERO) ? emptyAt(System.currentTimeMillis()) : this;
    }

    /** Returns the time of {@link #emptyAt}, 0 if this is the ID of an entry. */
    public long emptyTime() {
        return millis == 0 && (number == UNKNOWN_TIME || number >= EARLIEST_TIME) ? number : 0;
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
