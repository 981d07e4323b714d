package dev.sluice;

import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.feed.Batch;
import dev.sluice.feed.WantedChannels;
import dev.sluice.history.History;
import dev.sluice.history.Recounted;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Makes relays without a feed for tests of other packages. */
public final class TestRelay {

    private TestRelay() {}

    /** Returns a consumer that passes batches to the relay, as the feed's subscriber does. */
    public static Consumer<Batch> of(
            History history, Retention retention, Registry registry, DeliveryDispatcher deliveries) {
        return of(history, retention, registry, deliveries, null);
    }

    /**
     * Returns a consumer of batches, as the other method.
     *
     * @param channels those that the feed hears by name; {@code null} if it hears all
     */
    public static Consumer<Batch> of(
            History history,
            Retention retention,
            Registry registry,
            DeliveryDispatcher deliveries,
            @Nullable WantedChannels channels) {
        return of(history, retention, registry, deliveries, channels, recounted -> {});
    }

    /** Returns a consumer of batches, as the other method, that reports channels that are counted anew. */
    public static Consumer<Batch> of(
            History history,
            Retention retention,
            Registry registry,
            DeliveryDispatcher deliveries,
            @Nullable WantedChannels channels,
            Consumer<Recounted> onRecounted) {
        Relay relay = relay(
                TestOutboxFactory.ROUTES,
                history,
                retention,
                registry,
                deliveries,
                onRecounted,
                new SimpleMeterRegistry());
        if (channels != null) {
            relay.follow(channels);
        }
        return relay::receive;
    }

    /** Returns a consumer of batches with routes and meters of the caller's. */
    public static Consumer<Batch> of(
            Routes routes,
            History history,
            Retention retention,
            Registry registry,
            DeliveryDispatcher deliveries,
            MeterRegistry meters) {
        return relay(routes, history, retention, registry, deliveries, recounted -> {}, meters)::receive;
    }

    @SuppressWarnings("NullAway") // There is no feed.
    private static Relay relay(
            Routes routes,
            History history,
            Retention retention,
            Registry registry,
            DeliveryDispatcher deliveries,
            Consumer<Recounted> onRecounted,
            MeterRegistry meters) {
        return new Relay(
                null, routes, history, retention, registry, deliveries, 1 << 20, adopted -> {}, onRecounted, meters);
    }
}
