package dev.sluice.feed;

import dev.sluice.redis.ClusterTopology.Master;
import java.time.Duration;

/** Decides when the slots of a master have stopped moving. Confined to the feed's thread. */
final class SettledSlots {

    private final long period;
    private final Time time;
    private Master seen;

    /** Since when the slots are these, in {@link Time#nanos}. */
    private long since;

    /** Whether they were not followed yet. */
    private boolean moved;

    /**
     * Creates it for slots that are followed already.
     *
     * @param period how long slots must be the same
     */
    SettledSlots(Master present, Duration period, Time time) {
        this.period = period.toNanos();
        this.time = time;
        this.seen = present;
        this.since = time.nanos();
    }

    /** Returns true once after the slots have moved, when they have been the same for the period. */
    boolean haveSettled(Master now) {
        if (!now.equals(seen)) {
            seen = now;
            moved();
        }
        if (moved && time.nanos() - since >= period) {
            moved = false;
            return true;
        }
        return false;
    }

    /** Slots have moved, though the topology does not tell it yet. */
    void moved() {
        moved = true;
        since = time.nanos();
    }
}
