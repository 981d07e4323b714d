package dev.sluice.console;

import io.micrometer.core.instrument.distribution.CountAtBucket;
import io.micrometer.core.instrument.distribution.HistogramSnapshot;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Estimates percentiles of the values that a histogram has counted between two snapshots, by linear interpolation
 * within a bucket, as Prometheus does.
 */
final class PercentileEstimator {

    private PercentileEstimator() {}

    /**
     * Returns the percentile in milliseconds; {@code null} if nothing was counted between the snapshots.
     *
     * @param before the earlier snapshot
     * @param after the later snapshot of the same histogram
     * @param quantile from 0 to 1
     */
    static @Nullable Double between(HistogramSnapshot before, HistogramSnapshot after, double quantile) {
        double rank = quantile * (after.count() - before.count());
        CountAtBucket[] earlier = before.histogramCounts();
        CountAtBucket[] later = after.histogramCounts();
        if (rank <= 0) {
            return null;
        }
        double lowerBound = 0;
        double lowerCount = 0;
        for (int i = 0; i < Math.min(earlier.length, later.length); i++) {
            double bound = later[i].bucket(TimeUnit.MILLISECONDS);
            double count = later[i].count() - earlier[i].count();
            if (count >= rank) {
                return lowerBound + (bound - lowerBound) * (rank - lowerCount) / (count - lowerCount);
            }
            lowerBound = bound;
            lowerCount = count;
        }
        // The value is above the last bound.
        return lowerBound;
    }
}
