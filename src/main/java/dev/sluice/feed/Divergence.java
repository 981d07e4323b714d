package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Since when a pod may have missed something where it finds out that it has heard something else than most pods, and whether
 * that repeats.
 */
final class Divergence {

    /** What was published before the instant has been heard before the tick. */
    private record Heard(long tick, Instant published) {}

    /** Ticks to look back; the votes of the clock reach less far. */
    private static final int TICKS = 16;

    /** Where it happens so often within the duration, the way to Redis, or Redis, keeps no order. */
    private static final int TIMES = 3;

    private static final Duration WITHIN = Duration.ofMinutes(10);

    private final Deque<Heard> ticks = new ArrayDeque<>();
    private final Deque<Instant> times = new ArrayDeque<>();

    /**
     * A tick was heard, from which this pod counts.
     *
     * @param published whatever was published before has been heard
     */
    void tick(long number, Instant published) {
        ticks.addLast(new Heard(number, published));
        if (ticks.size() > TICKS) {
            ticks.removeFirst();
        }
    }

    /**
     * This pod has found that it has heard something else.
     *
     * @param certain the number of the last tick up to which it has not
     * @param now where no tick is known
     * @return whatever was published before has been heard
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

    /** Whether it has happened too often. */
    boolean repeats(Instant now) {
        times.removeIf(time -> time.plus(WITHIN).isBefore(now));
        return times.size() >= TIMES;
    }
}
