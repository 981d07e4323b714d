package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.Position;
import dev.sluice.history.History;
import dev.sluice.history.Replay;
import dev.sluice.history.Replay.Entry;
import dev.sluice.history.Replay.Reason;
import dev.sluice.history.Replay.Recovered;
import dev.sluice.history.Replay.Refused;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Executes requests that only clients with a {@link ChannelDialect} send, and those about presence. Every method is to be called on the connection's event loop.
 */
@Singleton
final class ChannelCommands {

    private final Routes routes;
    private final Registry registry;
    private final History history;
    private final ChannelResumption resumption;
    private final PresenceQuery presence;

    ChannelCommands(
            Routes routes, Registry registry, History history, ChannelResumption resumption, PresenceQuery presence) {
        this.routes = routes;
        this.registry = registry;
        this.history = history;
        this.resumption = resumption;
        this.presence = presence;
    }

    static ChannelDialect dialect(Client client) {
        return (ChannelDialect) client.dialect();
    }

    /**
     * Starts the delivery of the user's channels to a new client.
     *
     * @param since its positions by the names of the channels
     */
    void connect(
            Client client, Map<String, Position> since, Function<Map<Channel, Start>, Frame> answer, Runnable then) {
        Map<Channel, @Nullable Position> own = new LinkedHashMap<>();
        routes.ofUser(client.connection().user()).forEach(channel -> own.put(channel, since.get(channel.name())));
        resumption.begin(new ChannelResumption.Request(client, own, answer), then);
    }

    /** Starts the delivery of a channel to which the client has just subscribed. */
    void subscribed(Client client, Channel channel, JointRequest joint, @Nullable JsonNode id) {
        Map<Channel, @Nullable Position> one = new LinkedHashMap<>();
        one.put(channel, joint.since());
        resumption.begin(
                new ChannelResumption.Request(client, one, starts -> {
                    Start start = starts.getOrDefault(channel, Start.UNKNOWN);
                    if (joint.strict() && Boolean.FALSE.equals(start.recovered())) {
                        registry.unsubscribe(client.connection(), channel);
                        return client.dialect()
                                .error(ErrorCode.UNRECOVERABLE, "unrecoverable position", channel.name(), id);
                    }
                    return client.dialect().subscribed(channel, false, start, id);
                }),
                () -> joint.answered(client, channel));
    }

    /** Whether the client receives the channel, with or without a subscription. */
    boolean hears(Client client, Channel channel) {
        return registry.channels(client.connection()).contains(channel);
    }

    /** Suspends delivery to the client until {@link #restart} reports that publications may be lost. */
    void suspend(Client client) {
        Connection connection = client.connection();
        registry.channels(connection).forEach(channel -> registry.suspend(connection, channel));
    }

    /** Ends the client's subscriptions, so that it subscribes again, and restarts its user's channels. */
    void restart(Client client) {
        Connection connection = client.connection();
        Map<Channel, @Nullable Position> own = new LinkedHashMap<>();
        routes.ofUser(connection.user()).forEach(channel -> own.put(channel, null));
        List<Channel> ended = new ArrayList<>(registry.channels(connection));
        ended.removeAll(own.keySet());
        ended.forEach(channel -> registry.unsubscribe(connection, channel));
        ended.forEach(connection::forget);
        own.keySet().forEach(connection::forget);
        if (own.isEmpty() && ended.isEmpty()) {
            return;
        }
        resumption.begin(
                new ChannelResumption.Request(client, own, starts -> {
                    Map<Channel, Start> lost = new LinkedHashMap<>();
                    starts.forEach((channel, start) -> lost.put(channel, new Start(false, null, start.from())));
                    return dialect(client).restarted(ended, lost);
                }),
                () -> {});
    }

    /** Answers with the publications of a channel in the history, if the client receives the channel. */
    void history(Client client, ClientMessage.History message) {
        Channel channel = heard(client, message.channel(), message.id());
        if (channel == null) {
            return;
        }
        if (!channel.route().history()) {
            refuse(client, ErrorCode.UNKNOWN_ACTION, "the channel has no history", message.id());
            return;
        }
        int limit = message.limit() < 0 ? Integer.MAX_VALUE : message.limit();
        client.spend(Resumption.SEARCH);
        Replay replay = history.list(channel, limit, message.since(), message.reverse());
        if (replay instanceof Recovered recovered) {
            List<Payload> payloads =
                    recovered.entries().stream().map(Entry::payload).toList();
            Frame answer = dialect(client).history(payloads, recovered.upTo(), message.id());
            if (client.connection().hasRoom(answer.cost())) {
                client.spend(answer.length());
                client.connection().send(answer);
            } else {
                refuse(client, ErrorCode.TOO_MANY_SUBSCRIPTIONS, "the answer is too long", message.id());
            }
        } else if (replay instanceof Refused refused && refused.reason() == Reason.UNKNOWN) {
            refuse(client, ErrorCode.UNAVAILABLE, "this pod has no positions now", message.id());
        } else if (replay instanceof Refused refused && refused.reason() == Reason.TOO_MUCH) {
            refuse(client, ErrorCode.TOO_MANY_SUBSCRIPTIONS, "too much to search", message.id());
        } else {
            refuse(client, ErrorCode.UNRECOVERABLE, "unrecoverable position", message.id());
        }
    }

    /** Answers with the users who receive a channel on any pod, if the client receives it and the route allows it. */
    void presence(Client client, ClientMessage.Presence message) {
        Channel channel = heard(client, message.channel(), message.id());
        if (channel == null) {
            return;
        }
        if (channel.route().presence()) {
            presence.answer(client, channel, message);
        } else {
            refuse(client, ErrorCode.UNKNOWN_ACTION, "the channel has no presence", message.id());
        }
    }

    private @Nullable Channel heard(Client client, String name, @Nullable JsonNode id) {
        Channel channel = routes.resolve(name);
        if (channel == null) {
            refuse(client, ErrorCode.BAD_CHANNEL, "unknown channel", id);
        } else if (!hears(client, channel)) {
            refuse(client, ErrorCode.FORBIDDEN, "subscribe to the channel first", id);
            return null;
        }
        return channel;
    }

    private static void refuse(Client client, ErrorCode code, String message, @Nullable JsonNode id) {
        client.connection().send(client.dialect().error(code, message, id));
    }
}
