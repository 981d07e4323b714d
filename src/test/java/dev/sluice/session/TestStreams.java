package dev.sluice.session;

import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.registry.Registry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** Makes what subscribes clients to streams, for tests without streams. */
final class TestStreams {

    private TestStreams() {}

    @SuppressWarnings("NullAway") // Nothing is read.
    static ChannelStreams noneByChannel(Registry registry, DeliveryDispatcher deliveries) {
        return new ChannelStreams(
                registry,
                deliveries,
                null,
                null,
                new ResumeMeters(new SimpleMeterRegistry()),
                (millis, task) -> {},
                1024);
    }

    @SuppressWarnings("NullAway") // Nothing is read.
    static StreamSubscriptions none(Registry registry, DeliveryDispatcher deliveries) {
        return new StreamSubscriptions(
                registry,
                deliveries,
                null,
                null,
                new ResumeMeters(new SimpleMeterRegistry()),
                (millis, task) -> {},
                1024,
                new SimpleMeterRegistry());
    }

    @SuppressWarnings("NullAway") // Nothing is read.
    static StreamOpenings noOpenings(Registry registry, StreamSubscriptions streams) {
        return new StreamOpenings(
                registry, null, null, streams, new ResumeMeters(new SimpleMeterRegistry()), (millis, task) -> {});
    }
}
