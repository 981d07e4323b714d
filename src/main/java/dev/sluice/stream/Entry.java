package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import org.jspecify.annotations.Nullable;

/**
 * An entry of a stream.
 *
 * @param payload the value of its first field; {@code null} if that is too large
 * @param length the length of that value
 */
// Two entries are never compared.
@SuppressWarnings("ArrayRecordComponent")
record Entry(EntryId id, byte @Nullable [] payload, int length) {}
