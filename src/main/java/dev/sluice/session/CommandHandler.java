package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessage.InvalidMessage;
import dev.sluice.protocol.ClientMessage.Subscribe;
import dev.sluice.protocol.ClientMessage.Unsubscribe;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** Executes the requests of authenticated clients. */
@Singleton
final class CommandHandler implements Requests {

    private final SubscriptionHandler subscriptions;
    private final PositionedSubscriptions positioned;
    private final ChannelCommands channels;
    private final StreamOpenings streams;
    private final Registry registry;

    CommandHandler(
            SubscriptionHandler subscriptions,
            PositionedSubscriptions positioned,
            ChannelCommands channels,
            StreamOpenings streams,
            Registry registry) {
        this.subscriptions = subscriptions;
        this.positioned = positioned;
        this.channels = channels;
        this.streams = streams;
        this.registry = registry;
    }

    /**
     * Executes the message, and answers in order, except where a decision about access takes time. To be called on the
     * client's loop.
     */
    @Override
    public void execute(Client client, ClientMessage message) {
        if (message instanceof Subscribe subscribe) {
            subscriptions.subscribe(client, subscribe);
        } else if (message instanceof Unsubscribe unsubscribe) {
            subscriptions.unsubscribe(client, unsubscribe);
        } else if (message instanceof ClientMessage.Ping ping) {
            client.connection().send(client.dialect().pong(ping.id()));
        } else if (message instanceof ClientMessage.History history) {
            channels.history(client, history);
        } else if (message instanceof ClientMessage.Presence presence) {
            channels.presence(client, presence);
        } else if (client.dialect() instanceof ChannelDialect && isUnanswerable(message)) {
            client.connection().disconnect(Disconnect.PROTOCOL_ERROR);
        } else if (message instanceof InvalidMessage invalid) {
            client.connection().send(client.dialect().error(invalid.code(), invalid.message(), invalid.id()));
        } else if (message instanceof ClientMessage.NotAnObject) {
            client.connection()
                    .send(client.dialect()
                            .error(ErrorCode.BAD_MESSAGE, "a message is a JSON object in a text frame", null));
        }
    }

    /** Whether the message has no id for the answer, or is no longer expected. */
    private static boolean isUnanswerable(ClientMessage message) {
        return message instanceof ClientMessage.NotAnObject
                || message instanceof ClientMessage.Connect
                || (message instanceof InvalidMessage invalid && invalid.id() == null);
    }

    @Override
    public void connect(
            Client client,
            ClientMessage.Connect message,
            Function<Map<Channel, Start>, Frame> answer,
            Runnable onAnswer) {
        channels.connect(client, message, answer, onAnswer);
    }

    @Override
    public void suspend(Client client) {
        channels.suspend(client);
    }

    @Override
    public void restart(Client client, boolean streams) {
        channels.restart(client, streams);
    }

    /**
     * Replaces the token by another one of the same user, and reports channels that the client no longer receives. To be
     * called on its loop.
     */
    @Override
    public void renew(Client client, AuthenticatedUser identity) {
        client.expires(identity.until());
        subscriptions.regrant(client, identity);
    }

    @Override
    public List<Channel> own(Client client) {
        return registry.own(client.connection());
    }

    @Override
    public List<Channel> channels(Client client) {
        return registry.channels(client.connection());
    }

    @Override
    public void begin(Client client, Opening opening, Consumer<Start> answer) {
        if (client.dialect().positioned()) {
            positioned.begin(client, opening, answer);
        } else {
            streams.await(client, own(client), () -> answer.accept(Start.UNKNOWN));
        }
    }
}
