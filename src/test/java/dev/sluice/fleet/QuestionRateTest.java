package dev.sluice.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class QuestionRateTest {

    private static final int PER_SECOND = 100;

    private final AtomicLong nanos = new AtomicLong();
    private final QuestionRate rate = new QuestionRate(PER_SECOND, nanos::get);

    @Test
    void clientsLeaveHalfToOperators() {
        assertThat(admitted(true)).isEqualTo(PER_SECOND / 2);
        assertThat(admitted(false)).isEqualTo(PER_SECOND / 2);
        assertThat(admitted(true)).isZero();
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
        assertThat(admitted(false)).isEqualTo(PER_SECOND);
    }

    /** Returns how many of very many questions are admitted at once. */
    private long admitted(boolean forClient) {
        return IntStream.range(0, 10 * PER_SECOND)
                .filter(question -> rate.admit(forClient))
                .count();
    }
}
