package dev.sluice.delivery;

import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Registry;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;

/** Deliveries for tests elsewhere. */
public final class TestDeliveries {

    private TestDeliveries() {}

    /** Every delivery fails: no route is known. */
    public static Deliveries failing(Registry registry) {
        return of(registry, new Routes(List.of()));
    }

    /** Nothing is published. */
    public static Deliveries idle(Registry registry) {
        return of(registry, TestOutboxFactory.ROUTES);
    }

    private static Deliveries of(Registry registry, Routes routes) {
        return new Deliveries(
                new HandDrivenSource(),
                registry,
                routes,
                new Backlog.Bounds(1 << 20, TestOutboxFactory.standard().maxRun()),
                Duration.ofSeconds(2),
                lagged -> {},
                new SimpleMeterRegistry());
    }
}
