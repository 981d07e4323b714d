package dev.sluice.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.micrometer.core.instrument.distribution.CountAtBucket;
import io.micrometer.core.instrument.distribution.HistogramSnapshot;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PercentileEstimatorTest {

    private static final double[] BOUNDS_MILLIS = {1, 10, 100};

    @Test
    void estimatesWithinTheBucket() {
        assertThat(PercentileEstimator.between(counted(100), counted(100, 80, 100, 100), 0.5))
                .isNull();
        assertThat(PercentileEstimator.between(counted(0, 0, 0, 0), counted(100, 80, 100, 100), 0.5))
                .isCloseTo(0.625, within(0.001));
        assertThat(PercentileEstimator.between(counted(0, 0, 0, 0), counted(100, 80, 100, 100), 0.9))
                .isCloseTo(5.5, within(0.001));
    }

    @Test
    void countsOnlyTheLastInterval() {
        assertThat(PercentileEstimator.between(counted(1000, 1000, 1000, 1000), counted(1010, 1000, 1000, 1010), 0.5))
                .isCloseTo(55, within(0.001));
    }

    @Test
    void lastBoundIsTheMaximum() {
        assertThat(PercentileEstimator.between(counted(0, 0, 0, 0), counted(10, 1, 1, 1), 0.99))
                .isEqualTo(100);
    }

    private static HistogramSnapshot counted(long count, long... upTo) {
        CountAtBucket[] buckets = new CountAtBucket[upTo.length];
        for (int i = 0; i < upTo.length; i++) {
            buckets[i] = new CountAtBucket((double) TimeUnit.MILLISECONDS.toNanos((long) BOUNDS_MILLIS[i]), upTo[i]);
        }
        return new HistogramSnapshot(count, 0, 0, null, buckets, null);
    }
}
