package dev.sluice.delivery;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts the publications of one route by outcome. */
public record PublicationMeters(Counter routed, Counter unwanted, Counter dropped) {

    /** Returns the counters of a route. */
    public static PublicationMeters of(String route, MeterRegistry metrics) {
        return new PublicationMeters(
                counter(route, "routed", metrics),
                counter(route, "unwanted", metrics),
                counter(route, "dropped", metrics));
    }

    /** Counts publications without a route. */
    public static Counter unrouted(MeterRegistry metrics) {
        return counter("none", "dropped", metrics);
    }

    private static Counter counter(String route, String outcome, MeterRegistry metrics) {
        return Counter.builder("sluice.publications")
                .description("Publications received from Redis, by outcome")
                .tag("route", route)
                .tag("outcome", outcome)
                .register(metrics);
    }
}
