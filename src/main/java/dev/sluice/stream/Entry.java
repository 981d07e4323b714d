package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An entry of a stream.
 *
 * @param payload the value of its first field; {@code null} if that is too large
 * @param length the length of that value
 * @param bytes the length of all fields
 */
// Two entries are never compared.
@SuppressWarnings("ArrayRecordComponent")
record Entry(EntryId id, byte @Nullable [] payload, int length, long bytes) {

    /** Returns the length of all fields of all entries. */
    static long bytes(List<Entry> entries) {
        return entries.stream().mapToLong(Entry::bytes).sum();
    }
}
