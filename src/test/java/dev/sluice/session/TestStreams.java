package dev.sluice.session;

import dev.sluice.clock.EntryId;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.registry.Registry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** Makes what subscribes clients to streams, for tests without streams. */
final class TestStreams {

    private TestStreams() {}

    @SuppressWarnings("NullAway") // Nothing is read.
    static ChannelStreams noneByChannel(Registry registry, DeliveryDispatcher deliveries) {
        return new ChannelStreams(registry, null, sender(deliveries), meters());
    }

    @SuppressWarnings("NullAway") // Nothing is read.
    static StreamSubscriptions none(Registry registry, DeliveryDispatcher deliveries) {
        return new StreamSubscriptions(registry, null, sender(deliveries), meters(), new SimpleMeterRegistry());
    }

    @SuppressWarnings("NullAway") // Nothing is read.
    static StreamOpenings noOpenings(Registry registry, StreamSubscriptions streams, DeliveryDispatcher deliveries) {
        return new StreamOpenings(registry, null, null, sender(deliveries), streams, meters());
    }

    @SuppressWarnings("NullAway") // Nothing is read.
    private static ReplaySender sender(DeliveryDispatcher deliveries) {
        return new ReplaySender(deliveries, null, null, meters(), new TestTimer(), System::nanoTime, 1024);
    }

    /** Returns the last entry of a client that sends this position, {@link EntryId#ZERO} if it has none. */
    static EntryId last(String position) {
        return last(EntryId.parseSince(position));
    }

    static EntryId last(EntryId position) {
        return position.emptyTime() == 0 ? position : EntryId.ZERO;
    }

    private static ResumeMeters meters() {
        return new ResumeMeters(new SimpleMeterRegistry());
    }
}
