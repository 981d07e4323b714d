package dev.sluice.delivery;

import dev.sluice.outbox.TestOutboxes;
import dev.sluice.registry.Registry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;

/** Deliveries for tests elsewhere. */
public final class TestDeliveries {

    private TestDeliveries() {}

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
