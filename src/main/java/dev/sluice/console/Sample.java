package dev.sluice.console;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * This pod's figures for one second.
 *
 * @param at the end of the second, in milliseconds since the epoch
 * @param connections authenticated connections at that moment
 * @param unauthenticated connections that have not authenticated yet
 * @param publications received from Redis, per second
 * @param deliveries to connections, per second
 * @param missed publications skipped for slow connections, per second
 * @param disconnects closed connections since the start
 * @param gaps of the feed since the start
 * @param outboxBytes memory charged for data that waits for connections
 * @param backlogBytes memory charged for publications that event loops have not delivered yet
 * @param resumed successful resumes since the start
 * @param resumesRefused refused resumes since the start
 * @param historySeconds the age up to which clients can resume
 * @param historyBytes memory of the history
 * @param residentBytes resident memory of the process; absent if unknown
 * @param memoryLimitBytes memory that the process may use; absent if unknown
 * @param live whether the feed is live
 * @param latencyMedian the median latency of deliveries, in milliseconds; absent without deliveries
 * @param latencyHigh the 99th percentile of the same
 * @param canaryMedian the median latency of canary messages, in milliseconds
 * @param canaryHigh the 99th percentile of the same
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Sample(
        long at,
        long connections,
        long unauthenticated,
        long users,
        long subscriptions,
        double publications,
        double deliveries,
        double missed,
        long disconnects,
        long gaps,
        long outboxBytes,
        long backlogBytes,
        long resumed,
        long resumesRefused,
        long historySeconds,
        long historyBytes,
        @Nullable Long residentBytes,
        @Nullable Long memoryLimitBytes,
        boolean live,
        @Nullable Double latencyMedian,
        @Nullable Double latencyHigh,
        @Nullable Double canaryMedian,
        @Nullable Double canaryHigh) {

    private static final double HIGH = 0.99;

    /**
     * Returns the sample between two readings.
     *
     * @param earlier some seconds ago, because percentiles need more than one second of values
     * @param before a second ago
     */
    static Sample between(MetricReading earlier, MetricReading before, MetricReading now) {
        double seconds = Math.max(0.001, (now.nanos() - before.nanos()) / 1e9);
        return new Sample(
                now.at().toEpochMilli(),
                (long) now.connections(),
                (long) now.unauthenticated(),
                (long) now.users(),
                (long) now.subscriptions(),
                (now.publications() - before.publications()) / seconds,
                (now.deliveries() - before.deliveries()) / seconds,
                (now.missed() - before.missed()) / seconds,
                (long) now.disconnects(),
                (long) now.gaps(),
                (long) now.outboxBytes(),
                (long) now.backlogBytes(),
                (long) now.resumed(),
                (long) now.resumesRefused(),
                (long) now.historySeconds(),
                (long) now.historyBytes(),
                known(now.residentBytes()),
                known(now.memoryLimitBytes()),
                now.live(),
                PercentileEstimator.between(earlier.latency(), now.latency(), 0.5),
                PercentileEstimator.between(earlier.latency(), now.latency(), HIGH),
                PercentileEstimator.between(earlier.beats(), now.beats(), 0.5),
                PercentileEstimator.between(earlier.beats(), now.beats(), HIGH));
    }

    private static @Nullable Long known(double bytes) {
        return bytes > 0 ? (long) bytes : null;
    }
}
