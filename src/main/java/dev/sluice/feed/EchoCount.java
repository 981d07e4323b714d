package dev.sluice.feed;

import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Beats of which several nodes publish a copy each: one is heard when all its copies are. Confined to the feed's thread.
 */
final class EchoCount {

    /** The most copies. */
    static final int MAX_COPIES = 1024;

    /** Copies of older beats are late: as many as both connections may have outstanding, and more. */
    private static final int MAX_BEATS = 256;

    private static final class Beat {

        private final List<String> nodes;

        /** The copies that were not heard yet. */
        private final BitSet missing = new BitSet();

        /** The copies that their nodes have confirmed. */
        private final BitSet confirmed = new BitSet();

        Beat(List<String> nodes) {
            this.nodes = nodes;
            missing.set(0, nodes.size());
        }
    }

    /** By number. */
    private final TreeMap<Long, Beat> awaited = new TreeMap<>();

    private long newestHeard = Long.MIN_VALUE;

    /**
     * A beat is about to be published.
     *
     * @param nodes the addresses of those that publish a copy; the first one is the subscription's own
     */
    void await(long number, List<String> nodes) {
        awaited.put(number, new Beat(List.copyOf(nodes)));
        if (awaited.size() > MAX_BEATS) {
            awaited.pollFirstEntry();
        }
    }

    /** Returns what the copy with this index has as its payload. */
    static long code(long number, int copy) {
        return number * MAX_COPIES + copy;
    }

    /** A node has confirmed that it has published the copy. */
    void confirmed(long code) {
        Beat beat = awaited.get(number(code));
        if (beat != null) {
            beat.confirmed.set(copy(code));
        }
    }

    /** Returns the nodes of a beat whose copies have all been heard, with this one; {@code null} otherwise. */
    @Nullable
    List<String> heard(long code) {
        Beat beat = awaited.get(number(code));
        if (beat == null) {
            return null;
        }
        beat.missing.clear(copy(code));
        if (!beat.missing.isEmpty()) {
            return null;
        }
        awaited.remove(number(code));
        newestHeard = Math.max(newestHeard, number(code));
        return beat.nodes;
    }

    /**
     * Whether other nodes are the reason that beats are not heard: copies are missing only of nodes that have not
     * confirmed them. A confirmed copy that is missing was lost on its way through the subscription's node.
     */
    boolean othersHang() {
        Map.Entry<Long, Beat> oldest = awaited.higherEntry(newestHeard);
        if (oldest == null) {
            return false;
        }
        Beat beat = oldest.getValue();
        return !beat.missing.get(0) && !beat.missing.intersects(beat.confirmed);
    }

    /** Returns the number of the beat. */
    static long number(long code) {
        return Math.floorDiv(code, (long) MAX_COPIES);
    }

    private static int copy(long code) {
        return (int) Math.floorMod(code, (long) MAX_COPIES);
    }
}
