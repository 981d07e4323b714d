package dev.sluice.bench.traffic;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** How long to wait before trying again: at random, up to a bound that doubles with each failure. */
final class Backoff {

    private static final Duration FIRST = Duration.ofMillis(200);
    private static final Duration MOST = Duration.ofSeconds(5);

    private final RandomGenerator random;
    private Duration bound = FIRST;

    Backoff(RandomGenerator random) {
        this.random = random;
    }

    Duration next() {
        Duration delay = Duration.ofNanos(random.nextLong(bound.toNanos()));
        Duration doubled = bound.multipliedBy(2);
        bound = doubled.compareTo(MOST) < 0 ? doubled : MOST;
        return delay;
    }

    void reset() {
        bound = FIRST;
    }
}
