package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.PublicationMeters;
import dev.sluice.delivery.Source;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Payload;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.route.Channel;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Delivers entries of streams to the listeners of their channel. Confined to the source's thread. */
final class EntryDelivery {

    private static final Logger LOG = Logger.getLogger(EntryDelivery.class);

    private final Source source;
    private final DeliveryDispatcher deliveries;
    private final Consumer<StreamGap> onGap;
    private final StreamMeters meters;
    private final LogThrottle oversized = new LogThrottle();
    private boolean handingOver;

    EntryDelivery(Source source, DeliveryDispatcher deliveries, Consumer<StreamGap> onGap, StreamMeters meters) {
        this.source = source;
        this.deliveries = deliveries;
        this.onGap = onGap;
        this.meters = meters;
    }

    /**
     * Delivers entries, and reports those that are too large as a gap.
     *
     * @param before the last entry before them
     */
    void deliver(Channel channel, ChannelListeners listeners, EntryId before, List<Entry> entries) {
        PublicationMeters publications = meters.of(channel.route());
        EntryId delivered = before;
        EntryId dropped = null;
        for (Entry entry : entries) {
            Payload payload = payload(channel, entry, deliveries.nextSequence());
            if (payload == null) {
                dropped = entry.id();
                continue;
            }
            if (dropped != null) {
                gap(channel, listeners, delivered, dropped);
                dropped = null;
            }
            deliveries.deliver(channel, listeners, payload);
            publications.routed().increment();
            delivered = entry.id();
        }
        if (dropped != null) {
            gap(channel, listeners, delivered, dropped);
        }
        if (!entries.isEmpty()) {
            meters.lag(entries.get(entries.size() - 1).id());
        }
        // One task for each event loop, however many replies have arrived.
        if (!handingOver) {
            handingOver = true;
            source.execute(() -> {
                handingOver = false;
                deliveries.handOver();
            });
        }
    }

    /** Returns the payload of an entry; {@code null} if it is too large, which is counted. */
    @Nullable
    Payload payload(Channel channel, Entry entry, long sequence) {
        if (entry.payload() != null) {
            return Payload.ofEntry(sequence, entry.id(), entry.payload(), System.nanoTime());
        }
        meters.of(channel.route()).dropped().increment();
        long count = oversized.pass();
        if (count > 0) {
            LOG.warnf(
                    "Sluice dropped entries of streams larger than sluice.max-payload: %d, the last of %d bytes on route %s;"
                            + " the next log line follows in a minute",
                    count, entry.length(), channel.route().prefix());
        }
        return null;
    }

    /**
     * Reports that entries may be lost.
     *
     * @param before the last entry before them
     * @param reached the last entry before the next delivery
     */
    void gap(Channel channel, ChannelListeners listeners, EntryId before, EntryId reached) {
        meters.gap();
        deliveries.handOver();
        Instant until = Instant.now();
        long since = Math.min(until.toEpochMilli(), Math.max(0, before.millis()));
        onGap.accept(new StreamGap(channel, listeners, Instant.ofEpochMilli(since), until, reached));
    }
}
