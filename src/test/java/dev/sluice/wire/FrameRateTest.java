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
    private final Client client = new Client();

    @Test
    void framesBeyondTheBurstAreRefused() {
        assertThat(admitted(client, 512)).isEqualTo(512);
        assertThat(client.admit()).isFalse();
        now.addAndGet(TimeUnit.HOURS.toNanos(1));
        assertThat(client.admit()).as("a refused client stays refused").isFalse();
        assertThat(metrics.get("sluice.refused")
                        .tag("limit", "frames-per-second")
                        .counter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void rateAppliesAfterTheBurst() {
        admitted(client, 512);
        for (int i = 0; i < 1000; i++) {
            now.addAndGet(TimeUnit.MILLISECONDS.toNanos(20));
            assertThat(client.admit()).isTrue();
        }
        now.addAndGet(TimeUnit.MILLISECONDS.toNanos(19));
        assertThat(client.admit()).isFalse();
    }

    @Test
    void silenceRestoresAtMostOneBurst() {
        admitted(client, 512);
        now.addAndGet(TimeUnit.HOURS.toNanos(1));
        assertThat(admitted(client, 600)).isEqualTo(512);
    }

    @Test
    void everyConnectionHasItsOwnRate() {
        admitted(client, 600);
        assertThat(admitted(new Client(), 512)).isEqualTo(512);
    }

    @Test
    void oneFrameMayCountAsMany() {
        assertThat(client.admit(500)).isTrue();
        assertThat(client.admit(12)).isTrue();
        now.addAndGet(TimeUnit.MILLISECONDS.toNanos(199));
        assertThat(client.admit(10)).isFalse();
    }

    private static int admitted(Client client, int attempts) {
        int admitted = 0;
        for (int i = 0; i < attempts; i++) {
            if (client.admit()) {
                admitted++;
            }
        }
        return admitted;
    }

    /** The state of one client. */
    private final class Client {
        private long arrival = rate.start();

        boolean admit() {
            return admit(1);
        }

        boolean admit(int frames) {
            arrival = rate.admit(arrival, frames);
            return arrival != FrameRate.EXCEEDED;
        }
    }
}
