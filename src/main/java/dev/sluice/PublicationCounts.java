package dev.sluice;

import dev.sluice.delivery.PublicationMeters;
import dev.sluice.route.Route;
import io.micrometer.core.instrument.Counter;

/** Counts the publications of one batch and one route, so that the meters, which cost more, are used once. */
final class PublicationCounts {

    private final Route route;
    private final PublicationMeters meters;
    private int routed;
    private int unwanted;
    private int dropped;

    PublicationCounts(Route route, PublicationMeters meters) {
        this.route = route;
        this.meters = meters;
    }

    /** Whether it counts those of the route. Two routes are never equal. */
    @SuppressWarnings("ReferenceEquality")
    boolean isOf(Route other) {
        return route == other;
    }

    void routed() {
        routed++;
    }

    void unwanted() {
        unwanted++;
    }

    void dropped() {
        dropped++;
    }

    /** Adds the counts to the meters. */
    void report() {
        add(routed, meters.routed());
        add(unwanted, meters.unwanted());
        add(dropped, meters.dropped());
        routed = 0;
        unwanted = 0;
        dropped = 0;
    }

    private static void add(int count, Counter to) {
        if (count > 0) {
            to.increment(count);
        }
    }
}
