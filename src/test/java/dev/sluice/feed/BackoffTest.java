package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BackoffTest {

    private final Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofMillis(1000), new Random(1));

    @Test
    void delayDoublesUpToItsLimitWithJitter() {
        for (int step : new int[] {100, 200, 400, 800, 1000, 1000, 1000}) {
            assertThat(backoff.next()).isBetween(Duration.ofMillis(step / 2), Duration.ofMillis(step));
        }
    }

    @Test
    void successResetsTheDelay() {
        for (int i = 0; i < 10; i++) {
            backoff.next();
        }
        backoff.reset();
        assertThat(backoff.next()).isLessThanOrEqualTo(Duration.ofMillis(100));
    }

    @Test
    void jitterSpreadsPods() {
        Set<Duration> delays = new HashSet<>();
        for (int i = 0; i < 50; i++) {
            delays.add(backoff.next());
        }
        assertThat(delays).hasSizeGreaterThan(20);
    }
}
