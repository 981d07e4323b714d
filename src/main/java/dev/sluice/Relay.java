package dev.sluice;

import dev.sluice.feed.Feed;
import dev.sluice.feed.Publication;
import dev.sluice.outbox.Frame;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.mutiny.subscription.Cancellable;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Joins the feed to the routes at start and parts them at stop: what Redis says goes to those who should hear it. */
@Singleton
final class Relay {

    private static final Logger LOG = Logger.getLogger(Relay.class);

    private final Feed feed;
    private final Routes routes;
    private final Registry registry;
    private final long maxPayload;
    private final Map<Route, RouteMeters> meters = new HashMap<>();
    private final Counter unrouted;
    private final LogThrottle oversized = new LogThrottle(Duration.ofMinutes(1), System::nanoTime);
    private final LogThrottle failed = new LogThrottle(Duration.ofMinutes(1), System::nanoTime);
    private @Nullable Cancellable subscription;

    Relay(Feed feed, Routes routes, Registry registry, RelayConfig config, MeterRegistry metrics) {
        this.feed = feed;
        this.routes = routes;
        this.registry = registry;
        this.maxPayload = config.maxPayload().asLongValue();
        if (maxPayload < 1) {
            throw new ConfigurationException("sluice.max-payload must be at least 1, is " + maxPayload);
        }
        routes.all().forEach(route -> meters.put(route, new RouteMeters(route.prefix(), metrics)));
        this.unrouted = RouteMeters.unrouted(metrics);
    }

    /** After all else has started: whatever is wrong with the configuration has been said by then. */
    void start(@Observes @Priority(Interceptor.Priority.LIBRARY_AFTER) StartupEvent event) {
        subscription = feed.publications(routes.prefixes())
                .subscribe()
                .with(this::relay, failure -> LOG.fatal("The feed failed, which it never should", failure));
    }

    void stop(@Observes ShutdownEvent event) {
        if (subscription != null) {
            subscription.cancel();
        }
    }

    /** Never throws: what a subscriber throws cancels the stream without a word. */
    void relay(Publication publication) {
        try {
            deliver(publication);
        } catch (Throwable e) {
            unrouted.increment();
            if (failed.pass()) {
                LOG.errorf(e, "A publication could not be delivered; further ones are only counted for a minute");
            }
        }
    }

    private void deliver(Publication publication) {
        Channel channel = routes.resolve(publication.channel());
        if (channel == null) {
            unrouted.increment();
            return;
        }
        RouteMeters meter = Objects.requireNonNull(meters.get(channel.route()));
        int size = publication.payload().length();
        if (size > maxPayload) {
            meter.dropped.increment();
            if (oversized.pass()) {
                LOG.warnf(
                        "A payload of %d bytes on route %s is larger than sluice.max-payload (%d) and was dropped;"
                                + " further ones are only counted for a minute",
                        size, channel.route().prefix(), maxPayload);
            }
            return;
        }
        Shared frame = new Shared(publication, meter);
        int receivers = registry.forEach(channel, connection -> connection.send(frame.get()));
        (receivers == 0 ? meter.unwanted : meter.routed).increment();
    }

    /** Makes the frame at the first receiver: most publications have none on this pod. */
    private static final class Shared {
        private final Publication publication;
        private final RouteMeters meter;
        private @Nullable Frame frame;

        Shared(Publication publication, RouteMeters meter) {
            this.publication = publication;
            this.meter = meter;
        }

        Frame get() {
            if (frame == null) {
                frame = Frame.payload(publication.payload(), meter.receipt(publication.receivedAt()));
            }
            return frame;
        }
    }
}
