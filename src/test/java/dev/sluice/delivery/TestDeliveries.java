package dev.sluice.delivery;

import dev.sluice.outbox.TestOutboxes;
import dev.sluice.registry.Registry;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;

/** Deliveries for tests elsewhere. */
public final class TestDeliveries {

    private TestDeliveries() {}

    /** Whatever is published fails to be delivered. */
    public static Deliveries failing(Registry registry, Routes routes) {
        return new Deliveries(
                new Source() {
                    @Override
                    public void execute(Runnable task) {
                        throw new IllegalStateException("thrown by the test");
                    }

                    @Override
                    public void execute(Runnable task, Duration delay) {
                        execute(task);
                    }

                    @Override
                    public void pause() {}

                    @Override
                    public void resume() {}
                },
                registry,
                routes,
                new Backlog.Bounds(1 << 20, TestOutboxes.standard().maxRun()),
                Duration.ofSeconds(2),
                lagged -> {},
                new SimpleMeterRegistry());
    }

    /** Nothing is published. */
    public static Deliveries idle(Registry registry) {
        return new Deliveries(
                new HandDrivenSource(),
                registry,
                TestOutboxes.ROUTES,
                new Backlog.Bounds(1 << 20, TestOutboxes.standard().maxRun()),
                Duration.ofSeconds(2),
                lagged -> {},
                new SimpleMeterRegistry());
    }
}
