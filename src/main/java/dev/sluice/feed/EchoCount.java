package dev.sluice.feed;

import java.util.BitSet;
import java.util.TreeMap;

/**
 * Beats of which several nodes publish a copy each: one is heard when all its copies are. Confined to the feed's thread.
 */
final class EchoCount {

    /** The most copies. */
    static final int MAX_COPIES = 1024;

    /** Copies of older beats are late: as many as both connections may have outstanding, and more. */
    private static final int MAX_BEATS = 256;

    /** By the beat's number, the copies that were not heard yet. */
    private final TreeMap<Long, BitSet> awaited = new TreeMap<>();

    /** A beat is about to be published. */
    void await(long number, int copies) {
        BitSet missing = new BitSet(copies);
        missing.set(0, copies);
        awaited.put(number, missing);
        if (awaited.size() > MAX_BEATS) {
            awaited.pollFirstEntry();
        }
    }

    /** Returns what the copy with this index has as its payload. */
    static long code(long number, int copy) {
        return number * MAX_COPIES + copy;
    }

    /** Whether all copies of a beat have been heard, with this one. */
    boolean heard(long code) {
        BitSet missing = awaited.get(number(code));
        if (missing == null) {
            return false;
        }
        missing.clear((int) Math.floorMod(code, (long) MAX_COPIES));
        if (!missing.isEmpty()) {
            return false;
        }
        awaited.remove(number(code));
        return true;
    }

    /** Returns the number of the beat. */
    static long number(long code) {
        return Math.floorDiv(code, (long) MAX_COPIES);
    }
}
