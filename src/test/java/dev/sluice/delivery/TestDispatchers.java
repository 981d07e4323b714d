package dev.sluice.delivery;

import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Registry;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** Makes dispatchers for tests of other packages. */
public final class TestDispatchers {

    private TestDispatchers() {}

    /** Returns a dispatcher whose deliveries fail, because it knows no route. */
    public static DeliveryDispatcher failing(Registry registry) {
        return of(registry, new Routes(List.of()));
    }

    /** Returns a dispatcher without publications. */
    public static DeliveryDispatcher idle(Registry registry) {
        return of(registry, TestOutboxFactory.ROUTES);
    }

    /** Returns a dispatcher whose backlogs have this bound. */
    public static DeliveryDispatcher with(Source source, Registry registry, long maxBytes, Consumer<Lagged> onLagged) {
        return of(source, registry, TestOutboxFactory.ROUTES, maxBytes, onLagged);
    }

    /** Returns a dispatcher with other routes. */
    public static DeliveryDispatcher with(Source source, Registry registry, Routes routes) {
        return of(source, registry, routes, 1 << 20, lagged -> {});
    }

    private static DeliveryDispatcher of(Registry registry, Routes routes) {
        return of(new HandDrivenSource(), registry, routes, 1 << 20, lagged -> {});
    }

    private static DeliveryDispatcher of(
            Source source, Registry registry, Routes routes, long maxBytes, Consumer<Lagged> onLagged) {
        return new DeliveryDispatcher(
                source,
                registry,
                routes,
                new Backlog.Bounds(maxBytes, TestOutboxFactory.standard().maxBatchBytes()),
                Duration.ofSeconds(2),
                onLagged,
                new SimpleMeterRegistry());
    }
}
