package dev.sluice.linger;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.access.Authorizer;
import dev.sluice.access.Decision;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Frame;
import dev.sluice.registry.Connection;
import dev.sluice.registry.LingeringSubscriptions;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Restores a user's earlier subscriptions on a new connection. It checks access again, and retries if the check gives
 * no decision. It informs the client only of subscriptions that it could not restore for lack of a decision, and sends
 * no retained publications.
 */
@Singleton
public final class SubscriptionRestorer {

    private static final Logger LOG = Logger.getLogger(SubscriptionRestorer.class);

    /** The number of retries; with the pauses, they fit into the time in which the registry restores. */
    private static final int RETRIES = 4;

    /** The pause before the first retry; it doubles for each further one, and a random half or more of it is used. */
    private static final long FIRST_PAUSE_MILLIS = 500;

    /** Runs an action once, on any thread. */
    @FunctionalInterface
    interface Timer {
        void after(long millis, Runnable action);
    }

    private final LingeringSubscriptions lingering;
    private final Registry registry;
    private final Authorizer authorizer;
    private final Consumer<String> exchange;
    private final Timer timer;
    private final Counter restored;
    private final Counter lost;
    private final LogThrottle failures = new LogThrottle();
    private volatile BiConsumer<Connection, Channel> listener = (connection, channel) -> {};

    @Inject
    SubscriptionRestorer(
            LingeringSubscriptions lingering,
            Registry registry,
            Authorizer authorizer,
            SubscriptionExchange exchange,
            Vertx vertx,
            MeterRegistry metrics) {
        this(
                lingering,
                registry,
                authorizer,
                exchange::want,
                (millis, action) -> vertx.setTimer(millis, fired -> action.run()),
                metrics);
        exchange.whenTold(this::told);
    }

    /**
     * Creates a restorer that knows only the subscriptions of this pod.
     *
     * @param exchange asks the other pods for the subscriptions of a user
     */
    SubscriptionRestorer(
            LingeringSubscriptions lingering,
            Registry registry,
            Authorizer authorizer,
            Consumer<String> exchange,
            Timer timer,
            MeterRegistry metrics) {
        this.lingering = lingering;
        this.registry = registry;
        this.authorizer = authorizer;
        this.exchange = exchange;
        this.timer = timer;
        this.restored = Counter.builder("sluice.lingering.restored")
                .description("Subscriptions of earlier connections that were restored on a user's next connection")
                .register(metrics);
        this.lost = Counter.builder("sluice.lingering.lost")
                .description(
                        "Subscriptions of earlier connections that were not restored because access could not be checked")
                .register(metrics);
    }

    /**
     * Restores the subscriptions that this pod knows, before anything else is sent to the connection, and asks the
     * other pods. To be called on the connection's loop, directly after it was added to the registry. Never throws,
     * because the connection is usable without them.
     */
    public void connected(Connection connection) {
        if (!lingering.enabled() || connection.positioned()) {
            return;
        }
        try {
            restore(connection, lingering.of(connection.user()));
            exchange.accept(connection.user());
        } catch (RuntimeException e) {
            long count = failures.pass();
            if (count > 0) {
                LOG.errorf(
                        e,
                        "Sluice failed to restore subscriptions of an earlier connection; failures: %d. Please report this bug; the"
                                + " next log line follows in a minute",
                        count);
            }
        }
    }

    /** Sets the listener of restored subscriptions, which is called on any thread, when the connection receives the channel. */
    public void whenRestored(BiConsumer<Connection, Channel> to) {
        listener = to;
    }

    void told(String user, Map<Channel, Long> stamps) {
        Connection connection = registry.restoring(user);
        if (connection != null) {
            connection.loop().execute(() -> restore(connection, stamps));
        }
    }

    private void restore(Connection connection, Map<Channel, Long> stamps) {
        stamps.forEach((channel, at) -> restore(connection, channel, at, 0));
    }

    private void restore(Connection connection, Channel channel, long at, int attempt) {
        if (!registry.lacks(connection, channel, at)) {
            return;
        }
        Decision known = authorizer.known(connection.user(), connection::mayHear, channel);
        if (known != null) {
            decided(connection, channel, at, attempt, known);
        } else {
            authorizer
                    .ask(connection.user(), channel)
                    .subscribe()
                    .with(decision -> decided(connection, channel, at, attempt, decision));
        }
    }

    private void decided(Connection connection, Channel channel, long at, int attempt, Decision decision) {
        if (decision == Decision.FORBIDDEN) {
            return;
        }
        if (decision == Decision.ALLOWED && registry.restore(connection, channel, at)) {
            restored.increment();
            listener.accept(connection, channel);
        } else if (registry.lacks(connection, channel, at)) {
            if (decision == Decision.UNKNOWN && attempt < RETRIES) {
                long pause = FIRST_PAUSE_MILLIS << attempt;
                timer.after(
                        ThreadLocalRandom.current().nextLong(pause / 2, pause),
                        () -> restore(connection, channel, at, attempt + 1));
            } else {
                lost(connection, channel);
            }
        }
    }

    /**
     * Reports a subscription that was not restored. Other pods keep it for the next connection; until then the client
     * may subscribe again.
     */
    private void lost(Connection connection, Channel channel) {
        lost.increment();
        Frame notice = Frame.text(JsonNodeFactory.instance
                .objectNode()
                .put("action", "error")
                .put("code", "unavailable")
                .put("message", "Subscription not restored: access can't be checked now; subscribe again later")
                .put("channel", channel.name())
                .toString());
        connection.loop().execute(() -> connection.send(notice));
    }
}
