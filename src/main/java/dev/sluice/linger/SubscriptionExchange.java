package dev.sluice.linger;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.config.SluiceConfig;
import dev.sluice.control.Control;
import dev.sluice.control.SubscriptionsMessage;
import dev.sluice.log.LimitMeter;
import dev.sluice.registry.LingeringSubscriptions;
import dev.sluice.registry.Registry;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jboss.logging.Logger;

/**
 * Sends users' subscriptions to the other pods when their last connection ends, asks the other pods for the
 * subscriptions of users who connect, and answers such requests. Messages gather for {@link #GATHER_MILLIS}, or while
 * another message is under way; a pod sends one at a time. Lost messages are not repeated. Thread-safe.
 */
@Singleton
public final class SubscriptionExchange {

    private static final Logger LOG = Logger.getLogger(SubscriptionExchange.class);

    private static final long GATHER_MILLIS = 5;

    /** A stamp may be ahead of our clock by this time; a forged one further ahead would never become outdated. */
    private static final long MAX_AHEAD_MILLIS = Duration.ofHours(1).toMillis();

    private final Control control;
    private final LingeringSubscriptions lingering;
    private final Registry registry;
    private final Routes routes;
    private final Vertx vertx;
    private final LimitMeter dropped;
    private volatile BiConsumer<String, Map<Channel, Long>> told = (user, stamps) -> {};

    // Under the lock of this.
    private final OutgoingSubscriptions outgoing;
    private boolean sending;

    SubscriptionExchange(
            Control control,
            LingeringSubscriptions lingering,
            Registry registry,
            Routes routes,
            Vertx vertx,
            SluiceConfig config,
            MeterRegistry metrics) {
        this.control = control;
        this.lingering = lingering;
        this.registry = registry;
        this.routes = routes;
        this.vertx = vertx;
        this.outgoing = new OutgoingSubscriptions(
                config.subscriptions().lingerMaxBytes().asLongValue(),
                (int) Math.min(Integer.MAX_VALUE, 2L * registry.maxSubscriptions()));
        this.dropped = new LimitMeter("lingering", metrics);
        lingering.listen(this::tell);
    }

    /** Sets the listener for subscriptions from other pods that were not known here. */
    void whenTold(BiConsumer<String, Map<Channel, Long>> listener) {
        told = listener;
    }

    /** Asks the other pods for the subscriptions of a user. */
    void want(String user) {
        synchronized (this) {
            if (!outgoing.want(user)) {
                dropped.exceeded();
                return;
            }
        }
        start();
    }

    /** Waits until all messages have been sent; for a stopping pod. Not for event loops. */
    public void flush(Duration atMost) throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        synchronized (this) {
            for (long left = atMost.toMillis();
                    sending && left > 0;
                    left = (deadline - System.nanoTime()) / 1_000_000) {
                wait(left);
            }
        }
    }

    private void tell(String user, Map<Channel, Long> stamps) {
        synchronized (this) {
            if (!outgoing.tell(user, stamps)) {
                dropped.exceeded();
            }
        }
        start();
    }

    private void start() {
        synchronized (this) {
            if (sending) {
                return;
            }
            sending = true;
        }
        vertx.setTimer(GATHER_MILLIS, fired -> send());
    }

    private void send() {
        String message;
        synchronized (this) {
            message = outgoing.next();
            if (message == null) {
                sending = false;
                notifyAll();
                return;
            }
        }
        control.tellSubscriptions(message).subscribe().with(receivers -> send(), failure -> {
            LOG.debug("Other pods could not be told of subscriptions", failure);
            send();
        });
    }

    void heard(@Observes SubscriptionsMessage message) {
        if (!lingering.enabled() || outgoing.isOwn(message.content())) {
            return;
        }
        JsonNode users = message.content().path(OutgoingSubscriptions.USERS);
        if (message.command().equals(SubscriptionsMessage.WANTED)) {
            users.forEach(user -> answer(user.asText()));
        } else {
            users.properties().forEach(user -> learn(user.getKey(), user.getValue()));
        }
    }

    private void answer(String user) {
        Map<Channel, Long> stamps = new HashMap<>(lingering.own(user));
        registry.share(user).forEach((channel, at) -> stamps.merge(channel, at, LingeringSubscriptions::newer));
        if (!stamps.isEmpty()) {
            tell(user, stamps);
        }
    }

    private void learn(String user, JsonNode channels) {
        long latest = System.currentTimeMillis() + MAX_AHEAD_MILLIS;
        Map<Channel, Long> stamps = new HashMap<>();
        channels.properties().forEach(entry -> {
            Channel channel = routes.resolve(entry.getKey());
            long stamp = entry.getValue().asLong();
            if (channel != null
                    && channel.route().audience() == Audience.SUBSCRIBERS
                    && stamp != 0
                    && Math.abs(stamp) <= latest) {
                stamps.put(channel.compact(), stamp);
            }
        });
        if (stamps.isEmpty()) {
            return;
        }
        // Merged before the registry is informed, because a new group of connections starts with the newest kept stamp.
        Map<Channel, Long> subscriptions = lingering.merge(user, stamps);
        stamps.forEach((channel, stamp) -> {
            if (stamp < 0) {
                registry.unsubscribedElsewhere(user, channel, -stamp)
                        .forEach(connection -> connection.loop().execute(() -> connection.forget(channel)));
            }
        });
        if (!subscriptions.isEmpty()) {
            told.accept(user, subscriptions);
        }
    }
}
