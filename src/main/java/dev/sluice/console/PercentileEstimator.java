package dev.sluice.console;

import io.micrometer.core.instrument.distribution.CountAtBucket;
import io.micrometer.core.instrument.distribution.HistogramSnapshot;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Percentiles of what a histogram has counted between two looks at it, as Prometheus would estimate them: within a bucket
 * all values are as likely.
 */
final class PercentileEstimator {

    private PercentileEstimator() {}

    /**
     * In milliseconds; {@code null} where nothing was counted in between.
     *
     * @param before what a histogram had counted
     * @param after what the same one has counted later
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
        // Beyond the last bound nothing more is known.
        return lowerBound;
    }
}
