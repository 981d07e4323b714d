package dev.sluice.console;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * One second of this pod's life, in numbers.
 *
 * @param at when it ended, in milliseconds since the epoch
 * @param connections authenticated ones at that moment
 * @param unauthenticated those that have not said who they are
 * @param publications received from Redis, a second
 * @param deliveries handed to connections, a second
 * @param missed passed over for slow ones, a second
 * @param disconnects connections that ended, since the start
 * @param gaps since the start
 * @param outboxBytes memory charged for what connections have not taken
 * @param backlogBytes the same for what event loops have not delivered
 * @param resumed requests to resume that were granted, since the start
 * @param resumesRefused those that were not, since the start
 * @param historySeconds how far back every channel can be resumed
 * @param historyBytes memory of the publications kept for that
 * @param residentBytes memory that the operating system has given the process; absent where it does not say
 * @param memoryLimitBytes memory that the process may use; absent likewise
 * @param live whether what is published is heard
 * @param latencyMedian half of the deliveries of the last seconds took longer, in milliseconds; absent without any
 * @param latencyHigh one in a hundred took longer
 * @param canaryMedian the same for the canary's beats
 * @param canaryHigh the same for the canary's beats
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
     * What became different.
     *
     * @param earlier some seconds ago: percentiles need more than one can bring
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
