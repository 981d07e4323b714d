package dev.sluice.console;

import io.micrometer.core.instrument.Measurement;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.HistogramSnapshot;
import io.micrometer.core.instrument.search.Search;
import java.time.Instant;
import java.util.stream.StreamSupport;

/**
 * The values of the meters at one moment. Counters count from the pod's start.
 *
 * @param nanos the monotonic time ({@link System#nanoTime})
 * @param connections authenticated connections
 * @param latency the latency of deliveries
 * @param beats the latency of canary messages
 */
record MetricReading(
        Instant at,
        long nanos,
        double connections,
        double unauthenticated,
        double users,
        double subscriptions,
        double publications,
        double deliveries,
        double missed,
        double disconnects,
        double gaps,
        double outboxBytes,
        double backlogBytes,
        double resumed,
        double resumesRefused,
        double historySeconds,
        double historyBytes,
        double residentBytes,
        double memoryLimitBytes,
        boolean live,
        HistogramSnapshot latency,
        HistogramSnapshot beats) {

    private static final String RECOVERED = "recovered";

    static MetricReading of(MeterRegistry meters) {
        return new MetricReading(
                Instant.now(),
                System.nanoTime(),
                sum(meters.find("sluice.connections").tag("state", "authenticated")),
                sum(meters.find("sluice.connections").tag("state", "unauthenticated")),
                sum(meters.find("sluice.users")),
                sum(meters.find("sluice.subscriptions")),
                sum(meters.find("sluice.publications")),
                sum(meters.find("sluice.deliveries")),
                sum(meters.find("sluice.missed")),
                sum(meters.find("sluice.disconnects")),
                sum(meters.find("sluice.feed.gaps")),
                sum(meters.find("sluice.outbox.pending.bytes")),
                sum(meters.find("sluice.feed.pending.bytes")),
                sum(meters.find("sluice.resumes").tag("outcome", RECOVERED)),
                sum(meters.find("sluice.resumes").tag("outcome", outcome -> !outcome.equals(RECOVERED))),
                sum(meters.find("sluice.history.age")),
                sum(meters.find("sluice.history.bytes")),
                sum(meters.find("process.resident.memory")),
                sum(meters.find("sluice.memory.limit")),
                sum(meters.find("sluice.feed.live")) > 0,
                histogram(meters.find("sluice.delivery.latency")),
                histogram(meters.find("sluice.canary.latency")));
    }

    /** Sums over all tags. */
    private static double sum(Search search) {
        return search.meters().stream().mapToDouble(MetricReading::value).sum();
    }

    private static double value(Meter meter) {
        return StreamSupport.stream(meter.measure().spliterator(), false)
                .mapToDouble(Measurement::getValue)
                .sum();
    }

    private static HistogramSnapshot histogram(Search search) {
        Timer timer = search.timer();
        return timer == null ? HistogramSnapshot.empty(0, 0, 0) : timer.takeSnapshot();
    }
}
