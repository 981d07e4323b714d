package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Finds out since when a pod may have missed messages if it differs from the majority, and whether that happens
 * repeatedly.
 */
final class Divergence {

    /** Everything published before the instant was received before the tick. */
    private record Heard(long tick, Instant published) {}

    /** The number of ticks that are kept; votes of the clock concern fewer. */
    private static final int TICKS = 16;

    /**
     * If the pod differs this often within the duration, the connection to Redis, or Redis, does not keep the order.
     */
    private static final int TIMES = 3;

    private static final Duration WITHIN = Duration.ofMinutes(10);

    private final Deque<Heard> ticks = new ArrayDeque<>();
    private final Deque<Instant> times = new ArrayDeque<>();

    /**
     * Records a tick from which this pod counts.
     *
     * @param published everything published before it has been received
     */
    void tick(long number, Instant published) {
        ticks.addLast(new Heard(number, published));
        if (ticks.size() > TICKS) {
            ticks.removeFirst();
        }
    }

    /**
     * Records that this pod heard other messages than the majority.
     *
     * @param certain the number of the last tick up to which it has not
     * @param now returned if no tick is known
     * @return everything published before it has been received
     */
    Instant since(long certain, Instant now) {
        Instant since = ticks.isEmpty() ? now : ticks.getFirst().published();
        for (Heard heard : ticks) {
            if (heard.tick() <= certain) {
                since = heard.published();
            }
        }
        ticks.clear();
        times.addLast(now);
        return since;
    }

    /** Whether this has happened too often. */
    boolean repeats(Instant now) {
        times.removeIf(time -> time.plus(WITHIN).isBefore(now));
        return times.size() >= TIMES;
    }
}
