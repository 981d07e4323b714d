package dev.sluice.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Which masters with slots a node of a Redis Cluster is in contact with, as it told itself.
 *
 * @param counts whether the node is a master with slots, which counts as one that it reaches
 * @param others the other masters with slots
 * @param nodes the number of all nodes that it knows
 */
public record ClusterContacts(boolean counts, List<Other> others, int nodes) {

    private static final int ID = 0;
    private static final int FLAGS = 2;
    private static final int PONG = 5;
    private static final int SLOTS = 8;
    private static final long UNREADABLE = -1;

    /**
     * Another master.
     *
     * @param reached false if it has not answered for the node timeout, or if it is unknown when it did
     * @param pong when it answered last, in milliseconds of the node's clock; 0 if never, negative if unknown
     */
    public record Other(String id, boolean reached, long pong) {}

    /** Reads the reply to CLUSTER NODES. */
    public static ClusterContacts of(String reply) {
        List<Other> others = new ArrayList<>();
        boolean counts = false;
        int nodes = 0;
        for (String line : reply.split("\n", -1)) {
            String[] parts = line.trim().split(" ", -1);
            if (parts.length >= SLOTS) {
                nodes++;
                List<String> flags =
                        List.of(parts[FLAGS].toLowerCase(Locale.ROOT).split(",", -1));
                if (flags.contains("master") && hasSlots(parts)) {
                    if (flags.contains("myself")) {
                        counts = true;
                    } else {
                        boolean fails = flags.contains("fail") || flags.contains("fail?");
                        long pong = pong(parts[PONG]);
                        others.add(new Other(parts[ID], !fails && pong >= 0, pong));
                    }
                }
            }
        }
        return new ClusterContacts(counts, List.copyOf(others), nodes);
    }

    /** Not every service that speaks Redis's protocol has a time there; one that can't be read proves no contact. */
    private static long pong(String field) {
        try {
            return Long.parseLong(field);
        } catch (NumberFormatException e) {
            return UNREADABLE;
        }
    }

    /** Slots in brackets are moving. */
    private static boolean hasSlots(String[] parts) {
        for (int i = SLOTS; i < parts.length; i++) {
            if (!parts[i].startsWith("[")) {
                return true;
            }
        }
        return false;
    }

    /** Returns how many other masters it must reach, so that those that it does not reach are no majority. */
    public int quorum() {
        return counts ? others.size() / 2 : (others.size() + 1) / 2;
    }

    /** Whether those that it does not reach are no majority. A majority replaces masters without their knowledge. */
    public boolean hasQuorum() {
        return others.stream().filter(Other::reached).count() >= quorum();
    }
}
