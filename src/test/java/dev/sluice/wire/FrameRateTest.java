package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FrameRateTest {

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1000);
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final FrameRate rate = new FrameRate(50, 512, now::get, metrics);
    private final FrameRate.Pace pace = rate.pace();

    @Test
    void burstIsAllowedAndThenNothing() {
        assertThat(admitted(pace, 512)).isEqualTo(512);
        assertThat(pace.admit()).isFalse();
        now.addAndGet(TimeUnit.HOURS.toNanos(1));
        assertThat(pace.admit()).as("once too many is for ever").isFalse();
        assertThat(metrics.get("sluice.refused")
                        .tag("limit", "frames-per-second")
                        .counter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void rateAppliesAfterABurst() {
        admitted(pace, 512);
        for (int i = 0; i < 1000; i++) {
            now.addAndGet(TimeUnit.MILLISECONDS.toNanos(20));
            assertThat(pace.admit()).isTrue();
        }
        now.addAndGet(TimeUnit.MILLISECONDS.toNanos(19));
        assertThat(pace.admit()).isFalse();
    }

    @Test
    void silenceRestoresAtMostABurst() {
        admitted(pace, 512);
        now.addAndGet(TimeUnit.HOURS.toNanos(1));
        assertThat(admitted(pace, 600)).isEqualTo(512);
    }

    @Test
    void everyConnectionHasItsOwnRate() {
        admitted(pace, 600);
        assertThat(admitted(rate.pace(), 512)).isEqualTo(512);
    }

    @Test
    void oneMessageMayCountAsMany() {
        assertThat(pace.admit(500)).isTrue();
        assertThat(pace.admit(12)).isTrue();
        now.addAndGet(TimeUnit.MILLISECONDS.toNanos(199));
        assertThat(pace.admit(10)).isFalse();
    }

    private static int admitted(FrameRate.Pace pace, int attempts) {
        int admitted = 0;
        for (int i = 0; i < attempts; i++) {
            if (pace.admit()) {
                admitted++;
            }
        }
        return admitted;
    }
}
