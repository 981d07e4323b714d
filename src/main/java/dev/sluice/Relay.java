package dev.sluice;

import dev.sluice.clock.Point;
import dev.sluice.clock.Position;
import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.PublicationMeters;
import dev.sluice.feed.Batch;
import dev.sluice.feed.ChannelLoss;
import dev.sluice.feed.CountedChannels;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.feed.Publication;
import dev.sluice.feed.ShardedChannels;
import dev.sluice.feed.WantedChannels;
import dev.sluice.history.Adopted;
import dev.sluice.history.History;
import dev.sluice.history.Recounted;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Payload;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Demand;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import dev.sluice.route.Channel;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import dev.sluice.stream.StreamReader;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.mutiny.subscription.Cancellable;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Subscribes to the feed at start, cancels at shutdown, and delivers each publication to its channel's listeners. */
@Singleton
final class Relay {

    private static final Logger LOG = Logger.getLogger(Relay.class);

    /** How many publications are added to the history before the first of them is delivered. */
    private static final int TOGETHER = 256;

    /** The event of a key to which an entry is added. */
    private static final String ADDED = "xadd";

    private final Feed feed;
    private final Routes routes;
    private final History history;
    private final Retention retention;
    private final Registry registry;
    private final DeliveryDispatcher deliveries;

    /** {@code null} if no route reads streams. */
    private final @Nullable StreamReader streams;

    private final int maxPayload;
    private final Consumer<Adopted> onAdopted;
    private final ChannelChanges changes;
    private final ShardPositions shards;

    /** An array, because all of them report for every batch. */
    private final PublicationCounts[] counts;

    /** That of the last publication: most have the same route as the one before. */
    private @Nullable PublicationCounts lastCount;

    private final Counter unrouted;
    private final LogThrottle oversized = new LogThrottle();
    private final LogThrottle failed = new LogThrottle();

    /** What precedes a key in the channels on which Redis tells of changes of streams. */
    private final byte[] keyspace;

    /** The channels of successive publications of the batch; {@code null} for those that are not delivered. */
    private final @Nullable Channel[] channels = new Channel[TOGETHER];

    /** What {@link History#append} returned for them. */
    private final @Nullable Point[] points = new Point[TOGETHER];

    /** {@code null} if the feed hears all channels, and if publications never have positions. */
    private @Nullable CountedChannels counted;

    private Cancellable subscription = () -> {};

    @Inject
    Relay(
            Feed feed,
            Routes routes,
            History history,
            Retention retention,
            Registry registry,
            DeliveryDispatcher deliveries,
            StreamReader streams,
            SluiceConfig config,
            Event<Adopted> adopted,
            Event<Recounted> recounted,
            MeterRegistry metrics) {
        this(
                feed,
                routes,
                history,
                retention,
                registry,
                deliveries,
                routes.haveStreams() ? streams : null,
                (int) config.maxPayload().asLongValue(),
                adopted::fire,
                recounted::fire,
                metrics);
    }

    Relay(
            Feed feed,
            Routes routes,
            History history,
            Retention retention,
            Registry registry,
            DeliveryDispatcher deliveries,
            int maxPayload,
            Consumer<Adopted> onAdopted,
            Consumer<Recounted> onRecounted,
            MeterRegistry metrics) {
        this(feed, routes, history, retention, registry, deliveries, null, maxPayload, onAdopted, onRecounted, metrics);
    }

    private Relay(
            Feed feed,
            Routes routes,
            History history,
            Retention retention,
            Registry registry,
            DeliveryDispatcher deliveries,
            @Nullable StreamReader streams,
            int maxPayload,
            Consumer<Adopted> onAdopted,
            Consumer<Recounted> onRecounted,
            MeterRegistry metrics) {
        this.feed = feed;
        this.routes = routes;
        this.history = history;
        this.retention = retention;
        this.registry = registry;
        this.deliveries = deliveries;
        this.streams = streams;
        this.keyspace = streams == null ? new byte[0] : feed.keyspace().getBytes(StandardCharsets.US_ASCII);
        this.maxPayload = maxPayload;
        this.onAdopted = onAdopted;
        this.changes = new ChannelChanges(routes);
        this.shards = new ShardPositions(history, registry, changes, onRecounted);
        this.counts = routes.all().stream()
                .map(route -> new PublicationCounts(route, PublicationMeters.of(route.prefix(), metrics)))
                .toArray(PublicationCounts[]::new);
        this.unrouted = PublicationMeters.unrouted(metrics);
    }

    /** Runs after everything else, so that configuration errors have been reported by then. */
    void start(@Observes @Priority(Interceptor.Priority.LIBRARY_AFTER) StartupEvent event) {
        if (streams != null) {
            streams.start();
        }
        WantedChannels byName = feed.channels();
        if (byName != null) {
            follow(byName);
        }
        // The only callback for an item: Quarkus saves and restores the context around each.
        subscription = feed.batches(beginnings(), maxPayload)
                .subscribe()
                .with(
                        this::receive,
                        Relay::failedForGood,
                        () -> LOG.fatal("The feed ended, which is a bug. Restart the pod, and report this bug"));
    }

    /** Subscribes to the channels that have listeners. */
    void follow(WantedChannels byName) {
        byName.whenUnsubscribed(name -> changes.of(name, left -> {
            retention.forget(left);
            history.release(left);
        }));
        if (byName instanceof CountedChannels channels) {
            counted = channels;
            channels.whenCounted(name -> changes.of(name, history::hold));
            channels.whenDisconnected(history::releaseAll);
        } else if (byName instanceof ShardedChannels channels) {
            shards.follow(channels);
        }
        registry.tell(new Demand() {
            @Override
            public void wanted(Channel channel) {
                if (channel.route().source().hearsPublish()) {
                    byName.wanted(channel.name());
                }
            }

            @Override
            public void unwanted(Channel channel) {
                if (channel.route().source().hearsPublish()) {
                    byName.unwanted(channel.name());
                }
            }
        });
    }

    /** Returns what precedes the first colon, or the second after a keyspace, in the channels to hear. */
    private Map<String, Boolean> beginnings() {
        Map<String, Boolean> beginnings = new HashMap<>();
        for (Route route : routes.all()) {
            if (route.source().hearsPublish()) {
                beginnings.put(route.prefix(), route.history());
            }
            if (route.source().readsStreams()) {
                beginnings.put(feed.keyspace() + route.prefix(), false);
            }
        }
        return beginnings;
    }

    void stop(@Observes ShutdownEvent event) {
        subscription.cancel();
    }

    /** Logs what Mutiny would report as an exception that it had to drop before it cancels the stream. */
    void receive(Batch batch) {
        try {
            relay(batch);
        } catch (Throwable e) {
            failedForGood(e);
            throw e;
        }
    }

    private static void failedForGood(Throwable failure) {
        LOG.fatal("The feed failed, which is a bug. Restart the pod, and report this bug", failure);
    }

    void relay(Batch batch) {
        int size = batch.publications().size();
        CountedChannels shard = batch.shard();
        shards.turnTo(shard);
        boolean adopted = history.follow(batch.before());
        for (int from = 0; from < size; from += TOGETHER) {
            relay(batch, from, Math.min(TOGETHER, size - from));
        }
        Position end = batch.position(size - 1);
        adopted |= history.follow(end);
        try {
            for (PublicationCounts count : counts) {
                count.report();
            }
            if (shard != null) {
                if (size == 0) {
                    shards.ticked(shard, end, adopted);
                }
                // Positions of a shard say nothing of what else the loops are handed.
                deliveries.handOver(null);
            } else {
                if (size == 0 && counted != null) {
                    counted.ticked(end != null);
                }
                deliveries.handOver(end);
                if (adopted && end != null) {
                    onAdopted.accept(new Adopted(end));
                }
            }
            if (streams != null) {
                streams.read();
            }
        } catch (Throwable e) {
            failed(e);
        }
    }

    /**
     * Adds successive publications to the history before it looks up the listeners of the first, so that {@link
     * History#prefetch} and {@link History#commit} run once for all.
     */
    private void relay(Batch batch, int from, int count) {
        for (int i = 0; i < count; i++) {
            channels[i] = resolve(batch.publications().get(from + i), batch.shard() != null);
        }
        history.prefetch(channels, count);
        long sequence = deliveries.lastSequence();
        for (int i = 0; i < count; i++) {
            Channel channel = channels[i];
            if (channel != null) {
                Publication publication = batch.publications().get(from + i);
                long next = deliveries.nextSequence();
                points[i] = channel.route().history()
                        ? history.append(next, from + i + 1, channel, publication.bytes(), publication.receivedAt())
                        : null;
            }
        }
        history.commit();
        for (int i = 0; i < count; i++) {
            Channel channel = channels[i];
            if (channel != null) {
                deliver(batch, from + i, ++sequence, channel, points[i]);
                channels[i] = null;
                points[i] = null;
            }
        }
    }

    /** Returns the channel of a publication; {@code null} if it is not to be delivered. */
    private @Nullable Channel resolve(Publication publication, boolean ofShard) {
        Channel channel = null;
        try {
            if (streams != null && tellsOfKey(publication)) {
                changed(streams, publication);
                return null;
            }
            channel = routes.resolve(publication.bytes(), publication.nameLength(), publication.nameHash());
            if (channel == null) {
                unrouted.increment();
            } else if (publication.payloadLength() > maxPayload) {
                count(channel).dropped();
                logOversized(publication, channel);
                channel = null;
            } else if (ofShard && history.isLate(channel)) {
                // It is older than what clients got, and in a gap of which they were told.
                count(channel).dropped();
                channel = null;
            }
            return channel;
        } catch (Throwable e) {
            if (channel == null) {
                unrouted.increment();
            } else {
                count(channel).dropped();
            }
            failed(e);
            return null;
        }
    }

    private PublicationCounts count(Channel channel) {
        PublicationCounts last = lastCount;
        return last != null && last.isOf(channel.route()) ? last : turnTo(channel.route());
    }

    private PublicationCounts turnTo(Route route) {
        for (PublicationCounts count : counts) {
            if (count.isOf(route)) {
                lastCount = count;
                return count;
            }
        }
        throw new IllegalArgumentException(route.prefix());
    }

    private void logOversized(Publication publication, Channel channel) {
        long count = oversized.pass();
        if (count > 0) {
            LOG.warnf(
                    "Sluice dropped payloads larger than sluice.max-payload (%d): %d, the last of %d bytes on route %s;"
                            + " the next log line follows in a minute",
                    maxPayload,
                    count,
                    publication.payloadLength(),
                    channel.route().prefix());
        }
    }

    private boolean tellsOfKey(Publication publication) {
        int length = keyspace.length;
        return publication.nameLength() > length && Arrays.equals(publication.bytes(), 0, length, keyspace, 0, length);
    }

    /** Passes on what Redis tells of a key; it is no publication, but may lead to the reading of one. */
    private void changed(StreamReader reader, Publication publication) {
        int length = publication.nameLength() - keyspace.length;
        Channel channel = routes.resolve(
                Arrays.copyOfRange(publication.bytes(), keyspace.length, publication.nameLength()), length);
        if (channel != null && channel.route().source().readsStreams()) {
            String event = new String(publication.payload(), StandardCharsets.US_ASCII);
            if (!reader.heard(channel, event) && event.equals(ADDED)) {
                count(channel).unwanted();
            }
        }
    }

    private void failed(Throwable e) {
        long count = failed.pass();
        if (count > 0) {
            LOG.errorf(
                    e,
                    "Sluice failed to deliver publications: %d. Please report this bug; the next log line follows in a minute",
                    count);
        }
    }

    /**
     * Clears the retained publications, because newer ones may have been missed: at the start of a gap, and again at
     * its end, because an attempt may have heard some in between.
     */
    void interrupted(@Observes Gap gap) {
        if (feed.isSharded()) {
            return;
        }
        retention.clear();
        if (gap.open()) {
            // Positions of a subscription become invalid at its end. The next subscription may already have positions
            // before it is live.
            history.follow(null);
            deliveries.handOver(null);
        }
        if (streams != null) {
            streams.interrupted(gap.open());
        }
    }

    void interrupted(@Observes ChannelLoss loss) {
        changes.of(loss.channel(), retention::forget);
    }

    private void deliver(Batch batch, int index, long sequence, Channel channel, @Nullable Point point) {
        PublicationCounts count = count(channel);
        try {
            Payload payload = null;
            if (channel.route().retain() == Retain.LAST) {
                // Before the lookup of listeners, so that a client that subscribes in between gets the publication
                // either way.
                payload = payload(batch, index, sequence, point);
                registry.publishing(sequence);
                retention.remember(channel, payload);
            }
            ChannelListeners listeners = registry.listeners(channel);
            if (listeners == null) {
                count.unwanted();
                return;
            }
            deliveries.deliver(channel, listeners, payload == null ? payload(batch, index, sequence, point) : payload);
            count.routed();
        } catch (Throwable e) {
            count.dropped();
            failed(e);
        }
    }

    private static Payload payload(Batch batch, int index, long sequence, @Nullable Point point) {
        Publication publication = batch.publications().get(index);
        Position position = batch.position(index);
        if (position != null && point != null) {
            position = position.named(point);
        }
        return Payload.of(sequence, position, publication.payload(), publication.receivedAt());
    }
}
