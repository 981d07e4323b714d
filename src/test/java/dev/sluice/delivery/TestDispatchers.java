package dev.sluice.delivery;

import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Registry;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;

/** Deliveries for tests elsewhere. */
public final class TestDispatchers {

    private TestDispatchers() {}

    /** Every delivery fails: no route is known. */
    public static DeliveryDispatcher failing(Registry registry) {
        return of(registry, new Routes(List.of()));
    }

    /** Nothing is published. */
    public static DeliveryDispatcher idle(Registry registry) {
        return of(registry, TestOutboxFactory.ROUTES);
    }

    private static DeliveryDispatcher of(Registry registry, Routes routes) {
        return new DeliveryDispatcher(
                new HandDrivenSource(),
                registry,
                routes,
                new Backlog.Bounds(1 << 20, TestOutboxFactory.standard().maxRun()),
                Duration.ofSeconds(2),
                lagged -> {},
                new SimpleMeterRegistry());
    }
}
