package dev.sluice.clock;

import java.util.HashMap;
import java.util.Map;

/**
 * A vote about what pods heard up to one tick, from one pod's point of view. Pods that are not in a strict majority
 * missed a message, got one twice, or got them in another order.
 */
final class Vote {

    /** The largest number of pods whose votes count; fleets are smaller. */
    private static final int MAX_PODS = 1_000;

    private final Summary own;

    /** Whether each other pod agrees. */
    private final Map<Long, Boolean> others = new HashMap<>();

    private long openedAt;
    private boolean decided;

    Vote(Summary own) {
        this.own = own;
    }

    /** What this pod has heard. */
    Summary own() {
        return own;
    }

    /**
     * Opens the vote; called once.
     *
     * @param newest the number of the newest tick; the one after it decides
     */
    void open(long newest) {
        openedAt = newest;
    }

    boolean isNew() {
        return openedAt == 0;
    }

    boolean isOpen() {
        return openedAt > 0 && !decided;
    }

    /** Counts the summary of another pod once. */
    void count(Summary other) {
        if (other.pod() != own.pod() && others.size() < MAX_PODS) {
            others.put(other.pod(), own.agrees(other));
        }
    }

    /** Whether the tick ends the vote. */
    boolean ends(Tick tick) {
        return isOpen() && tick.number() > openedAt;
    }

    /**
     * Whether this pod is not in a strict majority. A pod whose summary no other confirms loses, because its vote was
     * opened by a tick that differs.
     */
    boolean lost() {
        decided = true;
        long agree = others.values().stream().filter(agrees -> agrees).count();
        return agree + 1 <= Math.max(others.size() - agree, 1);
    }
}
