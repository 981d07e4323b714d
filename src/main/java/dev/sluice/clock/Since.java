package dev.sluice.clock;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a client has received: where it resumes its channels.
 *
 * @param position in the order that all pods share; {@code null} if the client has none
 * @param entry the last entry of each stream that {@code entries} does not have; {@code null} if the client has none
 * @param entries the last entries of streams by the {@link #key} of their channel
 */
public record Since(@Nullable Position position, @Nullable EntryId entry, Map<String, EntryId> entries) {

    /** Twice as many as the channels of one request. */
    private static final int MAX_ENTRIES = 512;

    /** Few characters, because each event repeats the keys; one in 2<sup>40</sup> pairs of channels has the same. */
    private static final int KEY_BITS = 40;

    private static final int RADIX = 36;
    private static final long FNV_OFFSET = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;
    private static final char SEPARATOR = '~';

    public static Since of(Position position) {
        return new Since(position, null, Map.of());
    }

    public static Since of(EntryId entry) {
        return new Since(null, entry, Map.of());
    }

    /** Returns the last entry of a channel's stream that the client has; {@code null} if it has named none. */
    public @Nullable EntryId entry(String channel) {
        return entries.getOrDefault(key(channel), entry);
    }

    /** Returns a short text for a channel, equal in all pods: the lowest bits of its FNV-1a hash. */
    public static String key(String channel) {
        long hash = FNV_OFFSET;
        for (int i = 0; i < channel.length(); i++) {
            hash = (hash ^ channel.charAt(i)) * FNV_PRIME;
        }
        return Long.toString((hash ^ hash >>> KEY_BITS) & ((1L << KEY_BITS) - 1), RADIX);
    }

    /** Returns what a text that {@link #parse} reads has for a stream after its position. */
    public static String text(String key, EntryId entry) {
        String millis = Long.toUnsignedString(entry.millis(), RADIX);
        return SEPARATOR + key + "."
                + (entry.number() == 0 ? millis : millis + "-" + Long.toUnsignedString(entry.number(), RADIX));
    }

    /**
     * Parses a position, the ID of an entry, or a position that may be missing and is followed by {@link #text}s.
     *
     * @throws IllegalArgumentException where it is anything else
     */
    public static Since parse(String text) {
        int end = text.indexOf(SEPARATOR);
        if (end < 0) {
            return text.indexOf('.') < 0 ? of(EntryId.parseSince(text)) : of(Position.parse(text));
        }
        Position position = end == 0 ? null : Position.parse(text.substring(0, end));
        String[] streams = text.substring(end + 1).split(String.valueOf(SEPARATOR), MAX_ENTRIES + 1);
        if (streams.length > MAX_ENTRIES) {
            throw new IllegalArgumentException("too many streams");
        }
        Map<String, EntryId> entries = new HashMap<>();
        for (String stream : streams) {
            int dot = stream.indexOf('.');
            if (dot < 1) {
                throw new IllegalArgumentException("no stream");
            }
            String key = stream.substring(0, dot);
            int dash = stream.indexOf('-', dot);
            EntryId entry = new EntryId(
                    Long.parseUnsignedLong(stream.substring(dot + 1, dash < 0 ? stream.length() : dash), RADIX),
                    dash < 0 ? 0 : Long.parseUnsignedLong(stream.substring(dash + 1), RADIX));
            if (!text(key, entry).equals(SEPARATOR + stream)) {
                throw new IllegalArgumentException("no stream");
            }
            entries.put(key, entry);
        }
        return new Since(position, null, entries);
    }
}
