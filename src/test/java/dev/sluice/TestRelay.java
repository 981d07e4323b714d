package dev.sluice;

import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.feed.Batch;
import dev.sluice.history.History;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.function.Consumer;

/** Relays without a feed for tests elsewhere. */
public final class TestRelay {

    private TestRelay() {}

    /** What hands batches to these, as the feed's subscriber does. */
    @SuppressWarnings("NullAway") // There is no feed.
    public static Consumer<Batch> of(
            History history, Retention retention, Registry registry, DeliveryDispatcher deliveries) {
        Relay relay = new Relay(
                null,
                TestOutboxFactory.ROUTES,
                history,
                retention,
                registry,
                deliveries,
                1 << 20,
                adopted -> {},
                new SimpleMeterRegistry());
        return relay::relay;
    }
}
