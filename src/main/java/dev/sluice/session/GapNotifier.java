package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.Lagged;
import dev.sluice.feed.ChannelLoss;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.feed.WantedChannels;
import dev.sluice.linger.SubscriptionRestorer;
import dev.sluice.outbox.Frame;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Connection;
import dev.sluice.registry.LoopListeners;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import dev.sluice.stream.StreamGap;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reports gaps to clients: of the feed, of one channel, of one stream, and of an event loop that fell behind. After a
 * gap clients fetch their state, so reports that go to many clients are spread over a period.
 */
@Startup
@Singleton
final class GapNotifier {

    private final SessionRegistry sessions;
    private final Stagger spread;
    private final Resumption resumption;
    private final Registry registry;
    private final ChannelStreams channelStreams;
    private final DeliveryDispatcher deliveries;
    private final Routes routes;
    private final Feed feed;

    /** Whether any route reads streams. */
    private final boolean streams;

    private final Duration period;

    GapNotifier(
            SessionRegistry sessions,
            Stagger spread,
            Resumption resumption,
            Registry registry,
            ChannelStreams channelStreams,
            DeliveryDispatcher deliveries,
            Routes routes,
            Feed feed,
            SubscriptionRestorer restorer,
            SluiceConfig config) {
        this.registry = registry;
        this.channelStreams = channelStreams;
        this.deliveries = deliveries;
        this.streams = routes.haveStreams();
        this.routes = routes;
        this.feed = feed;
        this.sessions = sessions;
        this.spread = spread;
        this.resumption = resumption;
        this.period = config.gap().spread();
        WantedChannels channels = feed.channels();
        if (channels != null) {
            restorer.whenRestored((connection, channel) -> tellLoss(
                    channels.lossSince(channel.name()), () -> sessions.on(connection.loop()), connection, channel));
        }
    }

    /**
     * Tells a client of a loss of the channel that began before its subscription was restored. Before the answer to its
     * authentication it is told by {@link Authentication}.
     */
    static void tellLoss(
            @Nullable Instant since, Supplier<Set<Session>> sessions, Connection connection, Channel channel) {
        if (since != null) {
            connection
                    .loop()
                    .execute(() -> sessions.get()
                            .forEach(session -> session.ifOpen(client -> {
                                if (client.connection().equals(connection) && client.isAnswered()) {
                                    client.tell(client.dialect().gap(channel, since, null));
                                }
                            })));
        }
    }

    void onGap(@Observes Gap gap) {
        if (feed.isSharded()) {
            return;
        }
        Map<Dialect, Frame> notices = notices(gap.since(), gap.until());
        sessions.forEachLoop((loop, open) -> {
            List<Session> concerned = List.copyOf(open);
            if (gap.open()) {
                // Done before newer publications are delivered, so that no position after the gap is sent before its
                // report.
                loop.execute(() -> concerned.forEach(session -> session.ifOpen(AuthenticatedClient::holdUntilTold)));
                // A task that delivers may already be ahead of that one.
                deliveries.barrier(loop);
            }
            spread.over(
                    period,
                    loop,
                    concerned,
                    session -> session.ifOpen(client -> client.tell(
                            gap, Objects.requireNonNull(notices.get(client.dialect())), isConcerned(client))));
        });
    }

    /** Whether the client may have missed something: streams are read on from where they were interrupted. */
    private boolean isConcerned(Client client) {
        if (!streams) {
            return true;
        }
        List<Channel> channels = registry.channels(client.connection());
        return channels.isEmpty()
                || channels.stream()
                        .anyMatch(channel -> channel.route().source().hearsPublish());
    }

    /**
     * Reports the loss to the channel's listeners. This is spread as well, because all of them fetch their state, and a
     * shard may have many channels.
     */
    void onChannelLoss(@Observes ChannelLoss loss) {
        Channel channel = routes.resolve(loss.channel());
        ChannelListeners listeners = channel == null ? null : registry.listeners(channel);
        if (channel == null || listeners == null) {
            return;
        }
        listeners.forEachLoop(some -> some.loop().execute(() -> tell(loss, channel, some)));
    }

    private void tell(ChannelLoss loss, Channel channel, LoopListeners listeners) {
        // Made when they are due, as there may be one for each of many thousand channels.
        Map<String, Frame> notices = new HashMap<>();
        spread.over(
                period,
                listeners.loop(),
                List.copyOf(listeners.connections()),
                GapNotifier::share,
                connection -> tell(
                        connection,
                        notices.computeIfAbsent(
                                connection.protocol(), tag -> dialect(tag).gap(channel, loss.since(), loss.until()))));
    }

    private void tell(Connection connection, Frame notice) {
        if (!connection.isWaiting()) {
            connection.send(notice);
            return;
        }
        // This client is told after the answer to its authentication.
        sessions.on(connection.loop())
                .forEach(session -> session.ifOpen(client -> {
                    if (client.connection().equals(connection)) {
                        client.tell(notice);
                    }
                }));
    }

    static int share(Connection connection) {
        return System.identityHashCode(connection) & (Session.SHARES - 1);
    }

    private static Dialect dialect(String tag) {
        return Dialect.ALL.stream()
                .filter(dialect -> dialect.tag().equals(tag))
                .findFirst()
                .orElseThrow();
    }

    /** Reports the gap to the stream's listeners, before later entries are delivered to them. */
    void onStreamGap(@Observes StreamGap gap) {
        tell(gap, channelStreams);
    }

    static void tell(StreamGap gap, ChannelStreams channelStreams) {
        Map<String, Frame> notices = new HashMap<>();
        Dialect.ALL.forEach(
                dialect -> notices.put(dialect.tag(), dialect.gap(gap.channel(), gap.since(), gap.until())));
        gap.listeners()
                .forEachLoop(listeners -> listeners.loop().execute(() -> {
                    listeners.connections().stream()
                            // A client that waits for an answer learns from it what it misses.
                            .filter(connection -> !connection.isWaiting())
                            .forEach(connection ->
                                    connection.send(Objects.requireNonNull(notices.get(connection.protocol()))));
                    // The other clients with a position for each channel learn from the answer or the replay.
                    for (Connection connection : listeners.receiving()) {
                        ChannelDialect dialect = ChannelStreams.dialect(connection);
                        if (dialect != null) {
                            channelStreams.lose(connection, dialect, gap.channel(), gap.reached());
                        }
                    }
                }));
    }

    void onLagged(@Observes Lagged event) {
        Map<Dialect, Frame> notices = notices(event.since(), event.until());
        sessions.on(event.loop())
                .forEach(session -> session.ifOpen(client -> {
                    Frame notice = Objects.requireNonNull(notices.get(client.dialect()));
                    if (session.isByChannel()) {
                        client.restart(true);
                    } else if (!resumption.repeat(client, event.reached(), () -> client.tell(notice))) {
                        client.tell(notice);
                    }
                }));
    }

    /** Returns a frame for each dialect, which all its clients share. */
    private static Map<Dialect, Frame> notices(Instant since, @Nullable Instant until) {
        return Dialect.ALL.stream().collect(Collectors.toMap(dialect -> dialect, dialect -> dialect.gap(since, until)));
    }
}
