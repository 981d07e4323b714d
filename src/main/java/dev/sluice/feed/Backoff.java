package dev.sluice.feed;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Delays between attempts that double up to a limit. Each is drawn from the upper half of its step, so that the pods of
 * a fleet that lost Redis together do not come back together. Not safe for use by several threads.
 */
final class Backoff {

    private final long initialMillis;
    private final long maxMillis;
    private final RandomGenerator random;
    private long stepMillis;

    Backoff(Duration initial, Duration max, RandomGenerator random) {
        this.initialMillis = initial.toMillis();
        this.maxMillis = max.toMillis();
        this.random = random;
        this.stepMillis = initialMillis;
    }

    /** How long to wait before the next attempt. */
    Duration next() {
        long step = stepMillis;
        stepMillis = step > maxMillis / 2 ? maxMillis : step * 2;
        return Duration.ofMillis(random.nextLong(Math.max(1, step / 2), step + 1));
    }

    /** A part of the time, at least half of it, so that what pods began together they do not repeat together. */
    Duration part(Duration time) {
        return Duration.ofMillis(random.nextLong(time.toMillis() / 2, time.toMillis() + 1));
    }

    /** To be called when an attempt has succeeded. */
    void reset() {
        stepMillis = initialMillis;
    }
}
