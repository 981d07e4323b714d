package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.delivery.PublicationMeters;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/** Counts reads of streams, and what they find. */
@Singleton
final class StreamMeters {

    private static final Duration[] LAG_BUCKETS = LongStream.of(1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 60_000)
            .mapToObj(Duration::ofMillis)
            .toArray(Duration[]::new);

    private final Map<Route, PublicationMeters> publications = new HashMap<>();
    private final Counter read;
    private final Counter failed;
    private final Counter gaps;
    private final Timer lag;

    StreamMeters(Routes routes, MeterRegistry metrics) {
        routes.all().forEach(route -> publications.put(route, PublicationMeters.of(route.prefix(), metrics)));
        this.read = reads("read", metrics);
        this.failed = reads("failed", metrics);
        this.gaps = Counter.builder("sluice.streams.gaps")
                .description("How often entries of a stream may have been lost before they were delivered")
                .register(metrics);
        this.lag = Timer.builder("sluice.streams.lag")
                .description("From the time in an entry's ID until it is handed to connections, for each read's newest")
                .serviceLevelObjectives(LAG_BUCKETS)
                .register(metrics);
    }

    private static Counter reads(String outcome, MeterRegistry metrics) {
        return Counter.builder("sluice.streams.reads")
                .description("Reads of streams, by outcome")
                .tag("outcome", outcome)
                .register(metrics);
    }

    void read() {
        read.increment();
    }

    void failed() {
        failed.increment();
    }

    void gap() {
        gaps.increment();
    }

    void lag(EntryId newest) {
        lag.record(Math.max(0, System.currentTimeMillis() - newest.millis()), TimeUnit.MILLISECONDS);
    }

    PublicationMeters of(Route route) {
        return Objects.requireNonNull(publications.get(route));
    }
}
