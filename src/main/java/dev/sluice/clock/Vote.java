package dev.sluice.clock;

import java.util.HashMap;
import java.util.Map;

/**
 * What pods say they have heard up to one tick, where they differ: those that are not in a strict majority have missed
 * something, got something twice, or in another order. From one pod's point of view.
 */
final class Vote {

    /** More pods than there are; more are not counted. */
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
     * Begins it; once.
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

    /** Counts what another pod has published; again is once. */
    void count(Summary other) {
        if (other.pod() != own.pod() && others.size() < MAX_PODS) {
            others.put(other.pod(), own.agrees(other));
        }
    }

    /** Whether the tick decides it. */
    boolean ends(Tick tick) {
        return isOpen() && tick.number() > openedAt;
    }

    /** Whether this pod is not in a strict majority. One that is alone differs from a tick, so somebody disagrees. */
    boolean lost() {
        decided = true;
        long agree = others.values().stream().filter(agrees -> agrees).count();
        return agree + 1 <= Math.max(others.size() - agree, 1);
    }
}
