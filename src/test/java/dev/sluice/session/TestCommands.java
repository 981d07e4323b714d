package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.HandDrivenAuthorizer;
import dev.sluice.access.TestAuthorizers;
import dev.sluice.delivery.Deliveries;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;

/** What clients ask for, for tests elsewhere. */
public final class TestCommands {

    private final Commands commands;

    public TestCommands(Registry registry, Retention retention, Deliveries deliveries) {
        this.commands = new Commands(
                TestOutboxFactory.ROUTES,
                TestAuthorizers.asking(new HandDrivenAuthorizer()),
                registry,
                retention,
                deliveries,
                new SimpleMeterRegistry());
    }

    public void subscribe(Connection connection, Channel channel) {
        commands.execute(conversation(connection), new ClientMessage.Subscribe(List.of(channel.name()), true, null));
    }

    void execute(Conversation conversation, ClientMessage message) {
        commands.execute(conversation, message);
    }

    void renew(Conversation conversation, AuthenticatedUser bearer) {
        commands.renew(conversation, bearer);
    }

    public void unsubscribe(Connection connection, Channel channel) {
        commands.execute(conversation(connection), new ClientMessage.Unsubscribe(List.of(channel.name()), null));
    }

    private static Conversation conversation(Connection connection) {
        return new Conversation(connection, TestAuthorizers.bearer(connection.user()));
    }
}
