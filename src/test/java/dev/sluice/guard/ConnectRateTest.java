package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ConnectRateTest {

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1000);
    private final ConnectRate rate = new ConnectRate(1000, now::get);

    @Test
    void burstIsATenthOfTheRate() {
        assertThat(admitted(500)).isEqualTo(100);
        assertThat(admitted(new ConnectRate(100, now::get), 500)).as("or 50").isEqualTo(50);
        assertThat(admitted(new ConnectRate(10, now::get), 500)).as("or all").isEqualTo(10);
    }

    @Test
    void rateAppliesAfterTheBurst() {
        admitted(500);
        now.addAndGet(TimeUnit.MICROSECONDS.toNanos(900));
        assertThat(rate.admit()).isFalse();
        now.addAndGet(TimeUnit.MICROSECONDS.toNanos(100));
        assertThat(admitted(50)).isEqualTo(1);
        now.addAndGet(TimeUnit.MILLISECONDS.toNanos(3));
        assertThat(admitted(50)).isEqualTo(3);
    }

    @Test
    void unusedRateDoesNotAccumulate() {
        admitted(500);
        now.addAndGet(TimeUnit.HOURS.toNanos(1));
        assertThat(admitted(500)).isEqualTo(100);
    }

    @Test
    void lowestRateAdmitsOneConnection() {
        ConnectRate slow = new ConnectRate(1, now::get);
        assertThat(slow.admit()).isTrue();
        assertThat(slow.admit()).isFalse();
        now.addAndGet(TimeUnit.SECONDS.toNanos(1));
        assertThat(slow.admit()).isTrue();
    }

    private long admitted(int attempts) {
        return admitted(rate, attempts);
    }

    private static long admitted(ConnectRate rate, int attempts) {
        return IntStream.range(0, attempts).filter(i -> rate.admit()).count();
    }
}
