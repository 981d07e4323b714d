package dev.sluice.trace;

import dev.sluice.outbox.Disconnect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import io.quarkus.runtime.Startup;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jboss.logging.Logger;

/** The connections of this pod that ended last, with what they heard. Thread-safe. */
@Startup
@Singleton
final class RecentConnections {

    private static final Logger LOG = Logger.getLogger(RecentConnections.class);

    /** With their channels, at most some 6 MB. */
    static final int MAX = 500;

    static final int MAX_CHANNELS = 32;

    /**
     * A connection that has ended. It has no reference to the {@link Connection}, which would keep a session and a socket in
     * memory.
     *
     * @param hearable what its token allowed it to hear
     * @param channels what it was subscribed to, and since when; at most {@link #MAX_CHANNELS}
     * @param all whether these are all
     */
    record Ended(
            String user,
            String id,
            String protocol,
            Instant since,
            Predicate<Channel> hearable,
            Instant at,
            Disconnect reason,
            Map<Channel, Instant> channels,
            boolean all) {}

    private final Registry registry;
    private final Deque<Ended> ended = new ArrayDeque<>();

    @Inject
    RecentConnections(Registry registry) {
        this.registry = registry;
    }

    /** Runs before the registry forgets what the connection heard. */
    void onDisconnected(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE - 1) Disconnected event) {
        try {
            keep(event);
        } catch (Throwable e) {
            // The registry, which observes next, must not miss the event.
            LOG.debug("A connection that ended is missing in traces", e);
        }
    }

    private void keep(Disconnected event) {
        Connection connection = event.connection();
        Map<Channel, Instant> subscriptions = registry.subscriptions(connection);
        Map<Channel, Instant> kept = new HashMap<>();
        subscriptions.entrySet().stream()
                .limit(MAX_CHANNELS)
                .forEach(one -> kept.put(one.getKey().compact(), one.getValue()));
        add(new Ended(
                connection.user(),
                connection.id(),
                connection.protocol(),
                connection.since(),
                connection.hearable(),
                Instant.now(),
                event.reason(),
                kept,
                subscriptions.size() <= MAX_CHANNELS));
    }

    private synchronized void add(Ended one) {
        if (ended.size() == MAX) {
            ended.removeFirst();
        }
        ended.add(one);
    }

    /** Returns those of a user, the oldest first. */
    synchronized List<Ended> of(String user) {
        return ended.stream().filter(one -> one.user().equals(user)).toList();
    }
}
