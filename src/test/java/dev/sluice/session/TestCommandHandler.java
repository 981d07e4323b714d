package dev.sluice.session;

import dev.sluice.access.HandDrivenAuthorizer;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.feed.WantedChannels;
import dev.sluice.history.History;
import dev.sluice.history.TestHistory;
import dev.sluice.log.LimitMeter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.presence.PresenceEvents;
import dev.sluice.presence.PresenceFormat;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Makes command handlers for tests. */
public final class TestCommandHandler {

    private final CommandHandler commands;

    public TestCommandHandler(Registry registry, Retention retention, DeliveryDispatcher deliveries) {
        this.commands =
                of(registry, TestHistory.standard(), retention, deliveries, new HandDrivenAuthorizer(), neverAhead());
    }

    private static PositionWait neverAhead() {
        return new PositionWait(Duration.ofSeconds(1), new TestTimer(), System::nanoTime);
    }

    /** Returns presence that never answers. */
    static PresenceQuery noPresence() {
        return new PresenceQuery(
                (channel, byClient) -> Uni.createFrom().nothing(),
                noEvents(),
                TestAuthorizers.asking(new HandDrivenAuthorizer()));
    }

    /** Returns presence without events. */
    static PresenceEvents noEvents() {
        return new PresenceEvents() {
            @Override
            public void watch(
                    Connection connection, Channel channel, PresenceFormat format, Consumer<Present> present) {
                throw new UnsupportedOperationException();
            }

            @Override
            public boolean present(Connection connection, Channel channel, Consumer<Present> present, Runnable left) {
                return false;
            }
        };
    }

    /** Returns a handler with an empty history. */
    static CommandHandler of(
            Registry registry, Retention retention, DeliveryDispatcher deliveries, HandDrivenAuthorizer authorizer) {
        return of(registry, TestHistory.standard(), retention, deliveries, authorizer, neverAhead());
    }

    static CommandHandler of(
            Registry registry,
            History history,
            Retention retention,
            DeliveryDispatcher deliveries,
            HandDrivenAuthorizer authorizer,
            PositionWait wait) {
        return of(registry, history, retention, deliveries, authorizer, wait, (WantedChannels) null);
    }

    /** @param byName the channels that the feed hears by name; {@code null} if it hears all */
    static CommandHandler of(
            Registry registry,
            History history,
            Retention retention,
            DeliveryDispatcher deliveries,
            HandDrivenAuthorizer authorizer,
            PositionWait wait,
            @Nullable WantedChannels byName) {
        StreamSubscriptions streams = TestStreams.none(registry, deliveries);
        return of(
                registry,
                history,
                retention,
                deliveries,
                authorizer,
                wait,
                streams,
                TestStreams.noOpenings(registry, streams, deliveries),
                byName);
    }

    /** Returns a handler of clients that hear streams. */
    static CommandHandler ofStreams(
            Registry registry,
            History history,
            Retention retention,
            DeliveryDispatcher deliveries,
            StreamSubscriptions streams,
            StreamOpenings openings) {
        return of(
                registry,
                history,
                retention,
                deliveries,
                new HandDrivenAuthorizer(),
                neverAhead(),
                streams,
                openings,
                null);
    }

    private static CommandHandler of(
            Registry registry,
            History history,
            Retention retention,
            DeliveryDispatcher deliveries,
            HandDrivenAuthorizer authorizer,
            PositionWait wait,
            StreamSubscriptions streams,
            StreamOpenings openings,
            @Nullable WantedChannels byName) {
        MeterRegistry metrics = new SimpleMeterRegistry();
        ResumeMeters meters = new ResumeMeters(metrics);
        PositionedSubscriptions positioned = new PositionedSubscriptions(
                registry,
                history,
                retention,
                deliveries,
                new Resumption(history, registry, deliveries, meters, wait),
                openings);
        PresenceQuery presence = noPresence();
        ChannelCommands channels = new ChannelCommands(
                TestOutboxFactory.ROUTES,
                registry,
                history,
                new ChannelResumption(history, registry, deliveries, meters, wait),
                TestStreams.noneByChannel(registry, deliveries),
                presence);
        SubscriptionHandler subscriptions = new SubscriptionHandler(
                new ChannelNames(TestOutboxFactory.ROUTES, channels, metrics),
                TestAuthorizers.asking(authorizer),
                new FeedGate(byName, new LimitMeter("max-channels", metrics)),
                registry,
                retention,
                deliveries,
                positioned,
                channels,
                streams,
                presence,
                metrics);
        return new CommandHandler(subscriptions, positioned, channels, openings, registry);
    }

    public void subscribe(Connection connection, Channel channel) {
        commands.execute(
                new TestClient(connection), new ClientMessage.Subscribe(List.of(channel.name()), true, null, null));
    }

    Requests requests() {
        return commands;
    }

    public void unsubscribe(Connection connection, Channel channel) {
        commands.execute(new TestClient(connection), new ClientMessage.Unsubscribe(List.of(channel.name()), null));
    }
}
