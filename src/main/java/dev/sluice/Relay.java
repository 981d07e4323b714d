package dev.sluice;

import dev.sluice.clock.Position;
import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.feed.Batch;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.feed.Publication;
import dev.sluice.history.Adopted;
import dev.sluice.history.History;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Payload;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import dev.sluice.route.Channel;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
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
import java.util.IdentityHashMap;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/** Subscribes to the feed at start, cancels at shutdown, and delivers each publication to its channel's listeners. */
@Singleton
final class Relay {

    private static final Logger LOG = Logger.getLogger(Relay.class);

    private final Feed feed;
    private final Routes routes;
    private final History history;
    private final Retention retention;
    private final Registry registry;
    private final DeliveryDispatcher deliveries;
    private final int maxPayload;
    private final Consumer<Adopted> onAdopted;
    private final IdentityHashMap<Route, PublicationMeters> meters = new IdentityHashMap<>();
    private final Counter unrouted;
    private final LogThrottle oversized = new LogThrottle();
    private final LogThrottle failed = new LogThrottle();
    private Cancellable subscription = () -> {};
    private long sequence;

    @Inject
    Relay(
            Feed feed,
            Routes routes,
            History history,
            Retention retention,
            Registry registry,
            DeliveryDispatcher deliveries,
            SluiceConfig config,
            Event<Adopted> adopted,
            MeterRegistry metrics) {
        this(
                feed,
                routes,
                history,
                retention,
                registry,
                deliveries,
                (int) config.maxPayload().asLongValue(),
                adopted::fire,
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
            MeterRegistry metrics) {
        this.feed = feed;
        this.routes = routes;
        this.history = history;
        this.retention = retention;
        this.registry = registry;
        this.deliveries = deliveries;
        this.maxPayload = maxPayload;
        this.onAdopted = onAdopted;
        routes.all().forEach(route -> meters.put(route, PublicationMeters.of(route.prefix(), metrics)));
        this.unrouted = PublicationMeters.unrouted(metrics);
    }

    /** Runs after everything else, so that configuration errors have been reported by then. */
    void start(@Observes @Priority(Interceptor.Priority.LIBRARY_AFTER) StartupEvent event) {
        subscription = feed.batches(
                        routes.all().stream().collect(Collectors.toMap(Route::prefix, Route::history)), maxPayload)
                .onItem()
                .invoke(this::relay)
                .subscribe()
                .with(
                        batch -> {},
                        failure -> LOG.fatal(
                                "The feed failed, which is a bug. Restart the pod, and report this bug", failure),
                        () -> LOG.fatal("The feed ended, which is a bug. Restart the pod, and report this bug"));
    }

    void stop(@Observes ShutdownEvent event) {
        subscription.cancel();
    }

    /** Never throws: an exception would cancel the stream silently. */
    void relay(Batch batch) {
        int size = batch.publications().size();
        boolean adopted = history.follow(batch.before());
        for (int i = 0; i < size; i++) {
            relay(batch, i);
        }
        Position end = batch.position(size - 1);
        adopted |= history.follow(end);
        try {
            deliveries.handOver(end);
            if (adopted && end != null) {
                onAdopted.accept(new Adopted(end));
            }
        } catch (Throwable e) {
            failed(e);
        }
    }

    private void relay(Batch batch, int index) {
        Counter dropped = unrouted;
        try {
            Publication publication = batch.publications().get(index);
            Channel channel = routes.resolve(publication.bytes(), publication.nameLength());
            if (channel == null) {
                unrouted.increment();
                return;
            }
            PublicationMeters meter = Objects.requireNonNull(meters.get(channel.route()));
            dropped = meter.dropped();
            deliver(batch, index, publication, channel, meter);
        } catch (Throwable e) {
            dropped.increment();
            failed(e);
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
        retention.clear();
        if (gap.open()) {
            // Positions of a subscription become invalid at its end. The next subscription may already have positions
            // before it is live.
            history.follow(null);
            deliveries.handOver(null);
        }
    }

    private void deliver(Batch batch, int index, Publication publication, Channel channel, PublicationMeters meter) {
        if (publication.payloadLength() > maxPayload) {
            meter.dropped().increment();
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
            return;
        }
        sequence++;
        // Both run before the lookup of listeners, so that a client that subscribes in between gets the publication
        // either way.
        if (channel.route().history()) {
            history.append(sequence, index + 1, channel, publication.bytes(), publication.receivedAt());
        }
        boolean retain = channel.route().retain() == Retain.LAST;
        Payload payload = retain ? payload(batch, index) : null;
        if (payload != null) {
            registry.publishing(sequence);
            retention.remember(channel, payload);
        }
        ChannelListeners listeners = registry.listeners(channel);
        if (listeners == null) {
            meter.unwanted().increment();
            return;
        }
        deliveries.deliver(channel, listeners, payload == null ? payload(batch, index) : payload);
        meter.routed().increment();
    }

    private Payload payload(Batch batch, int index) {
        Publication publication = batch.publications().get(index);
        return Payload.of(sequence, batch.position(index), publication.payload(), publication.receivedAt());
    }
}
