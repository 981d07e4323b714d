package dev.sluice.linger;

import dev.sluice.access.Authorizer;
import dev.sluice.access.Decision;
import dev.sluice.registry.Connection;
import dev.sluice.registry.LingeringSubscriptions;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.Map;

/**
 * Subscribes a user's new connection to what the user was subscribed to before, where the user may still listen: that is
 * asked again. The client is told nothing, and no retained publication is handed out.
 */
@Singleton
public final class SubscriptionRestorer {

    private final LingeringSubscriptions lingering;
    private final Registry registry;
    private final Authorizer authorizer;
    private final SubscriptionExchange exchange;
    private final Counter restored;

    SubscriptionRestorer(
            LingeringSubscriptions lingering,
            Registry registry,
            Authorizer authorizer,
            SubscriptionExchange exchange,
            MeterRegistry metrics) {
        this.lingering = lingering;
        this.registry = registry;
        this.authorizer = authorizer;
        this.exchange = exchange;
        this.restored = Counter.builder("sluice.lingering.restored")
                .description("Subscriptions of earlier connections that a user's next connection was given")
                .register(metrics);
        exchange.whenTold(this::told);
    }

    /**
     * Restores what is known on this pod, before anything else is sent to the connection, and asks the other pods for what
     * they know. To be called on the connection's loop, right after it was added to the registry.
     */
    public void connected(Connection connection) {
        if (lingering.enabled()) {
            restore(connection, lingering.of(connection.user()));
            exchange.want(connection.user());
        }
    }

    private void told(String user, Map<Channel, Long> stamps) {
        Connection connection = registry.restoring(user);
        if (connection != null) {
            connection.loop().execute(() -> restore(connection, stamps));
        }
    }

    private void restore(Connection connection, Map<Channel, Long> stamps) {
        stamps.forEach((channel, at) -> {
            Decision known = authorizer.known(connection.user(), connection::mayHear, channel);
            if (known != null) {
                decided(connection, channel, at, known);
            } else {
                authorizer
                        .ask(connection.user(), channel)
                        .subscribe()
                        .with(decision -> decided(connection, channel, at, decision));
            }
        });
    }

    private void decided(Connection connection, Channel channel, long at, Decision decision) {
        if (decision == Decision.ALLOWED && registry.restore(connection, channel, at)) {
            restored.increment();
        }
    }
}
