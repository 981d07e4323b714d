package dev.sluice.protocol;

import dev.sluice.clock.EntryId;
import org.jspecify.annotations.Nullable;

/**
 * The IDs of entries as offsets, which Centrifugo's SDKs keep: the milliseconds times 4,096, plus the number. JavaScript
 * counts up to 2<sup>53</sup>, so an ID has no offset if its milliseconds are after September 2039, or if its number is
 * 4,096 or more, which {@code XADD} with {@code *} reaches at four million entries a second. Offsets are in the order of
 * the IDs, and all pods compute the same.
 */
final class EntryOffset {

    /** The epoch of these offsets. Offsets that are computed otherwise need another one. */
    static final String EPOCH = "entries";

    /** The beginning of the epoch of a stream without entries, before the time: the offset 0 has no room for it. */
    private static final String EMPTY = EPOCH + ".";

    private static final int RADIX = 36;

    private static final int NUMBER_BITS = 12;
    private static final long MAX_NUMBER = (1L << NUMBER_BITS) - 1;
    private static final long MAX_MILLIS = (1L << (53 - NUMBER_BITS)) - 1;

    private EntryOffset() {}

    /** Whether the ID has an offset. */
    static boolean isOf(EntryId id) {
        return id.millis() >= 0 && id.millis() <= MAX_MILLIS && id.number() >= 0 && id.number() <= MAX_NUMBER;
    }

    /** Returns the offset of the ID, or of the last one before it that has one. */
    static long of(EntryId id) {
        if (Long.compareUnsigned(id.millis(), MAX_MILLIS) > 0) {
            return MAX_MILLIS << NUMBER_BITS | MAX_NUMBER;
        }
        long number = Long.compareUnsigned(id.number(), MAX_NUMBER) > 0 ? MAX_NUMBER : id.number();
        return id.millis() << NUMBER_BITS | number;
    }

    /** Returns the epoch that a client gets with the offset of the ID. It keeps it with later offsets. */
    static String epoch(EntryId id) {
        long emptyTime = id.position().emptyTime();
        return emptyTime == 0 ? EPOCH : EMPTY + Long.toString(emptyTime, RADIX);
    }

    /** Returns the position that has the offset; {@code null} if there is none. */
    static @Nullable EntryId parse(String epoch, long offset) {
        boolean timed = epoch.startsWith(EMPTY);
        boolean valid = (timed || epoch.equals(EPOCH)) && offset >= 0 && offset >>> NUMBER_BITS <= MAX_MILLIS;
        if (!valid) {
            return null;
        }
        return timed && offset == 0
                ? empty(epoch.substring(EMPTY.length()))
                : new EntryId(offset >>> NUMBER_BITS, offset & MAX_NUMBER);
    }

    private static @Nullable EntryId empty(String time) {
        try {
            long millis = Long.parseLong(time, RADIX);
            return millis < 0 ? null : EntryId.emptyAt(millis);
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
