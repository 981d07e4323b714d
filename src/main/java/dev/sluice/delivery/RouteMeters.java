package dev.sluice.delivery;

import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/** Counts the deliveries of one route. */
final class RouteMeters {

    private static final Duration[] LATENCY_BUCKETS = LongStream.of(
                    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000)
            .mapToObj(micros -> Duration.of(micros, ChronoUnit.MICROS))
            .toArray(Duration[]::new);

    private final Counter deliveries;
    private final Counter bytes;
    private final Timer latency;

    RouteMeters(String route, MeterRegistry metrics) {
        deliveries = Counter.builder("sluice.deliveries")
                .description("Publications handed to connections, once for each connection")
                .tag("route", route)
                .register(metrics);
        bytes = Counter.builder("sluice.delivery.bytes")
                .description("Payload bytes handed to connections")
                .baseUnit("bytes")
                .register(metrics);
        latency = Timer.builder("sluice.delivery.latency")
                .description(
                        "From the receipt of a publication to its being flushed to the connections of an event loop")
                .serviceLevelObjectives(LATENCY_BUCKETS)
                .register(metrics);
    }

    /** Counts so many copies of publications, with so many bytes of payloads. */
    void delivered(long copies, long payloadBytes) {
        deliveries.increment((double) copies);
        bytes.increment((double) payloadBytes);
    }

    /** Counts a publication that was sent to one connection from the history. */
    void replayed(Payload payload) {
        deliveries.increment();
        bytes.increment(payload.bytes().length);
    }

    /** The batch has been flushed to all connections of a loop; the time is {@link System#nanoTime()}. */
    void flushed(PublicationBatch batch, long now) {
        for (int i = 0; i < batch.count(); i++) {
            Payload payload = batch.get(i);
            latency.record(now - payload.receivedAt(), TimeUnit.NANOSECONDS);
        }
    }
}
