package dev.sluice.delivery;

import dev.sluice.registry.Registry;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;

/** Gives the benchmarks deliveries without a source, for publications that have no listener. */
public final class IdleDispatcher {

    private IdleDispatcher() {}

    /** Deliveries that can't pause anything. */
    public static DeliveryDispatcher of(Registry registry, Routes routes) {
        Source none = new Source() {
            @Override
            public void pause() {}

            @Override
            public void resume() {}

            @Override
            public void execute(Runnable task) {}

            @Override
            public void execute(Runnable task, Duration delay) {}
        };
        return new DeliveryDispatcher(
                none,
                registry,
                routes,
                new Backlog.Bounds(1 << 20, 1 << 16),
                Duration.ofSeconds(2),
                lagged -> {},
                new SimpleMeterRegistry());
    }
}
