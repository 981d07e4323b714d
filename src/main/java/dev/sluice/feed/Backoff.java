package dev.sluice.feed;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Delays between attempts, which double up to a limit. Each is drawn from the upper half of its step, so that the pods
 * of a fleet that lost Redis together do not reconnect together. Not thread-safe.
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

    /** Returns the delay before the next attempt. */
    Duration next() {
        long step = stepMillis;
        stepMillis = step > maxMillis / 2 ? maxMillis : step * 2;
        return Duration.ofMillis(random.nextLong(Math.max(1, step / 2), step + 1));
    }

    /** Returns a random part of the time, at least half of it, so that pods do not act at the same time. */
    Duration part(Duration time) {
        return Duration.ofMillis(random.nextLong(time.toMillis() / 2, time.toMillis() + 1));
    }

    /** Resets the delay; to be called after a successful attempt. */
    void reset() {
        stepMillis = initialMillis;
    }
}
