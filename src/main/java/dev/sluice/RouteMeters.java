package dev.sluice;

import dev.sluice.outbox.Frame;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/** Counts what becomes of the publications of one route. */
final class RouteMeters {

    private static final Duration[] LATENCY_BUCKETS = LongStream.of(
                    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000)
            .mapToObj(micros -> Duration.of(micros, ChronoUnit.MICROS))
            .toArray(Duration[]::new);

    final Counter routed;
    final Counter unwanted;
    final Counter dropped;
    private final Counter deliveries;
    private final Counter bytes;
    private final Timer latency;

    RouteMeters(String route, MeterRegistry metrics) {
        routed = publications(route, "routed", metrics);
        unwanted = publications(route, "unwanted", metrics);
        dropped = publications(route, "dropped", metrics);
        deliveries = Counter.builder("sluice.deliveries")
                .description("Publications written to a connection, once for each connection")
                .tag("route", route)
                .register(metrics);
        bytes = Counter.builder("sluice.delivery.bytes")
                .description("Payload bytes written to connections")
                .baseUnit("bytes")
                .register(metrics);
        latency = Timer.builder("sluice.delivery.latency")
                .description("From the receipt of a publication to its being written to a connection")
                .serviceLevelObjectives(LATENCY_BUCKETS)
                .register(metrics);
    }

    /** Counts each delivery of a publication received at the time given, in {@link System#nanoTime()}. */
    Frame.Receipt receipt(long receivedAt) {
        return size -> {
            deliveries.increment();
            bytes.increment(size);
            latency.record(System.nanoTime() - receivedAt, TimeUnit.NANOSECONDS);
        };
    }

    /** Counts publications that no route knows. */
    static Counter unrouted(MeterRegistry metrics) {
        return publications("none", "dropped", metrics);
    }

    private static Counter publications(String route, String outcome, MeterRegistry metrics) {
        return Counter.builder("sluice.publications")
                .description("Publications received from Redis by what became of them")
                .tag("route", route)
                .tag("outcome", outcome)
                .register(metrics);
    }
}
