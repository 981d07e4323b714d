package dev.sluice.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class LogThrottleTest {

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 10);
    private final LogThrottle throttle = new LogThrottle(Duration.ofNanos(100), now::get);

    @Test
    void passesOnePerPeriodAndCountsTheOthers() {
        assertThat(throttle.pass()).isEqualTo(1);
        assertThat(throttle.pass()).isZero();
        // Across the overflow of the clock.
        now.addAndGet(99);
        assertThat(throttle.pass()).isZero();
        now.addAndGet(1);
        assertThat(throttle.pass()).isEqualTo(3);
        assertThat(throttle.pass()).isZero();
        now.addAndGet(1000);
        assertThat(throttle.pass()).isEqualTo(2);
    }
}
