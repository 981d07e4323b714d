package dev.sluice.session;

import dev.sluice.access.HandDrivenAuthorizer;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.history.History;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;

/** Makes command handlers for tests. */
public final class TestCommandHandler {

    private final CommandHandler commands;

    public TestCommandHandler(Registry registry, Retention retention, DeliveryDispatcher deliveries) {
        this.commands = new CommandHandler(
                TestOutboxFactory.ROUTES,
                TestAuthorizers.asking(new HandDrivenAuthorizer()),
                registry,
                retention,
                deliveries,
                resumption(registry, deliveries),
                channels(registry, deliveries, TestHistory.standard()),
                new SimpleMeterRegistry());
    }

    /** Returns what clients with a position for each channel ask for. */
    static ChannelCommands channels(Registry registry, DeliveryDispatcher deliveries, History history) {
        return new ChannelCommands(
                TestOutboxFactory.ROUTES,
                registry,
                history,
                new ChannelResumption(
                        history,
                        registry,
                        deliveries,
                        new ResumeMeters(new SimpleMeterRegistry()),
                        Duration.ofSeconds(3).toNanos(),
                        (millis, task) -> {},
                        System::nanoTime));
    }

    /** Returns a resumption with an empty history. */
    static Resumption resumption(Registry registry, DeliveryDispatcher deliveries) {
        return new Resumption(
                TestHistory.standard(),
                registry,
                deliveries,
                new ResumeMeters(new SimpleMeterRegistry()),
                Duration.ofSeconds(1),
                (millis, task) -> {},
                System::nanoTime);
    }

    public void subscribe(Connection connection, Channel channel) {
        commands.execute(
                new TestClient(connection, TestAuthorizers.identity(connection.user())),
                new ClientMessage.Subscribe(List.of(channel.name()), true, null, null));
    }

    Session.Requests requests() {
        return commands;
    }

    public void unsubscribe(Connection connection, Channel channel) {
        commands.execute(
                new TestClient(connection, TestAuthorizers.identity(connection.user())),
                new ClientMessage.Unsubscribe(List.of(channel.name()), null));
    }
}
