package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.Authorizer;
import dev.sluice.access.Decision;
import dev.sluice.clock.Position;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.log.LimitMeter;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessage.InvalidMessage;
import dev.sluice.protocol.ClientMessage.Subscribe;
import dev.sluice.protocol.ClientMessage.Unsubscribe;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.Subscribed;
import dev.sluice.retain.Retention;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import dev.sluice.session.PendingSubscriptions.Request;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Executes the requests of authenticated clients. */
@Singleton
final class CommandHandler implements Session.Requests {

    /** The first character of Centrifugo's private channels, each of which needs a token of its own. */
    private static final String PRIVATE = "$";

    /** Precedes the names of the users to whom Centrifugo limits a channel. */
    private static final String USER_LIMITED = "#";

    private final Routes routes;
    private final Authorizer authorizer;
    private final Registry registry;
    private final Retention retention;
    private final DeliveryDispatcher deliveries;
    private final Resumption resumption;
    private final ChannelCommands channels;
    private final LimitMeter tooManySubscriptions;
    private final LimitMeter idTooLong;

    CommandHandler(
            Routes routes,
            Authorizer authorizer,
            Registry registry,
            Retention retention,
            DeliveryDispatcher deliveries,
            Resumption resumption,
            ChannelCommands channels,
            MeterRegistry metrics) {
        this.routes = routes;
        this.authorizer = authorizer;
        this.registry = registry;
        this.retention = retention;
        this.deliveries = deliveries;
        this.resumption = resumption;
        this.channels = channels;
        this.tooManySubscriptions = new LimitMeter("subscriptions-per-user", metrics);
        this.idTooLong = new LimitMeter("channel-id-length", metrics);
    }

    /**
     * Executes the message, and answers in order, except where a decision about access takes time. To be called on the
     * client's loop.
     */
    @Override
    public void execute(Client client, ClientMessage message) {
        if (message instanceof Subscribe subscribe) {
            subscribe(client, subscribe);
        } else if (message instanceof Unsubscribe unsubscribe && client.dialect() instanceof ChannelDialect) {
            unsubscribe.channels().forEach(name -> unsubscribe(client, name, unsubscribe.id()));
        } else if (message instanceof Unsubscribe unsubscribe) {
            each(
                    client,
                    unsubscribe.channels(),
                    unsubscribe.id(),
                    channel -> unsubscribe(client, channel, unsubscribe.id()));
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
            Client client, Map<String, Position> since, Function<Map<Channel, Start>, Frame> answer, Runnable then) {
        channels.connect(client, since, answer, then);
    }

    @Override
    public void suspend(Client client) {
        channels.suspend(client);
    }

    @Override
    public void restart(Client client) {
        channels.restart(client);
    }

    /**
     * Replaces the token by another one of the same user, and reports channels that the client no longer receives. To be
     * called on its loop.
     */
    @Override
    public void renew(Client client, AuthenticatedUser identity) {
        client.renew(identity);
        registry.regrant(client.connection(), identity.grants())
                .forEach(channel -> leave(client.connection(), client.dialect(), channel, null));
    }

    @Override
    public List<Channel> own(Client client) {
        return registry.own(client.connection());
    }

    /** Starts the delivery to a new client, and sends what it missed. */
    @Override
    public void begin(Client client, Opening opening, Consumer<Start> answer) {
        List<Channel> hears = new ArrayList<>(own(client));
        for (Channel channel : opening.channels()) {
            if (registry.subscribe(client.connection(), channel) != Subscribed.YES) {
                throw new IllegalStateException("a new connection has room for the channels of its request");
            }
            hears.add(channel);
        }
        boolean asked = opening.since() != null;
        // A client with a single position must get everything that it missed, or the answer that this is impossible.
        boolean kept = opening.channels().isEmpty()
                || hears.stream().allMatch(channel -> channel.route().history());
        Position since = kept ? opening.since() : null;
        resumption.begin(
                new Resumption.Request(client, hears, hears, since, since != null),
                given -> welcome(client, opening.channels(), given, given.start(asked), answer));
    }

    private void welcome(
            Client client, List<Channel> channels, Resumption.Answer given, Start start, Consumer<Start> answer) {
        Connection connection = client.connection();
        Map<Channel, Payload> retained = new LinkedHashMap<>();
        for (Channel channel : channels) {
            Payload newest = given.recovered() ? null : retention.newest(channel);
            if (newest != null && needs(connection, channel, newest, given, true)) {
                retained.put(channel, newest);
            }
        }
        if (retained.isEmpty()) {
            answer.accept(start);
            return;
        }
        // See subscribed.
        connection.hold();
        answer.accept(new Start(start.recovered(), null, start.from()));
        retained.forEach((channel, newest) -> deliveries.give(connection, channel, newest));
        connection.release();
    }

    private void subscribe(Client client, Subscribe message) {
        JointRequest joint =
                client.connection().positioned() ? new JointRequest(message.since(), message.strict()) : null;
        Request request = new Request(message.retained(), message.id(), joint);
        List<String> names = client.dialect() instanceof ChannelDialect
                ? allowed(client, message.channels(), message.id())
                : message.channels();
        each(client, names, message.id(), channel -> {
            if (joint != null) {
                joint.await();
            }
            subscribe(client, channel, request);
        });
        settle(client, request);
    }

    private void subscribe(Client client, Channel channel, Request request) {
        Decision known = authorizer.known(client.identity(), channel);
        if (known != null) {
            decided(client, channel, request, known);
            return;
        }
        PendingSubscriptions pending = client.pending();
        if (pending.count() >= registry.maxSubscriptions() || !pending.hasRoomFor(request)) {
            tooMany(client, channel, request.id());
            settle(client, request);
        } else if (pending.add(channel, request)) {
            authorizer
                    .ask(client.identity().user(), channel)
                    .subscribe()
                    // If the client has unsubscribed meanwhile, nothing waits for the decision.
                    .with(decision -> client.connection()
                            .loop()
                            .execute(() -> pending.remove(channel)
                                    .forEach(waiting -> decided(client, channel, waiting, decision))));
        }
    }

    private void unsubscribe(Client client, Channel channel, @Nullable JsonNode id) {
        // Undecided requests end the same way.
        client.pending().remove(channel).forEach(waiting -> {
            if (client.dialect() instanceof ChannelDialect) {
                client.connection()
                        .send(client.dialect()
                                .error(ErrorCode.UNAVAILABLE, "unsubscribed", channel.name(), waiting.id()));
            } else {
                leave(client.connection(), client.dialect(), channel, waiting.id());
            }
            settle(client, waiting);
        });
        registry.unsubscribe(client.connection(), channel);
        leave(client.connection(), client.dialect(), channel, id);
    }

    private void decided(Client client, Channel channel, Request request, Decision decision) {
        JsonNode id = request.id();
        switch (decision) {
            case ALLOWED -> {
                if (request.joint() == null) {
                    join(client, channel, request);
                } else {
                    request.joint().allow(channel);
                }
            }
            case FORBIDDEN -> {
                client.connection()
                        .send(client.dialect()
                                .error(ErrorCode.FORBIDDEN, "you may not listen to this channel", channel.name(), id));
                if (channel.route().access() != Access.CLAIM) {
                    revoke(client, channel);
                }
            }
            case UNKNOWN ->
                client.connection()
                        .send(client.dialect()
                                .error(
                                        ErrorCode.UNAVAILABLE,
                                        "can't find out now whether you may listen",
                                        channel.name(),
                                        id));
        }
        settle(client, request);
    }

    /** Records a decision; when all channels are decided, the allowed ones are answered together. */
    private void settle(Client client, Request request) {
        JointRequest joint = request.joint();
        if (joint == null || !joint.decided()) {
            return;
        }
        List<Channel> hears = new ArrayList<>();
        List<Channel> joined = new ArrayList<>();
        for (Channel channel : joint.allowed()) {
            switch (registry.subscribe(client.connection(), channel)) {
                case YES -> {
                    hears.add(channel);
                    joined.add(channel);
                }
                case ALREADY -> {
                    if (client.dialect() instanceof ChannelDialect) {
                        already(client, channel.name(), request.id());
                    } else {
                        hears.add(channel);
                    }
                }
                case TOO_MANY -> tooMany(client, channel, request.id());
                case GONE -> {
                    return;
                }
            }
        }
        if (client.dialect() instanceof ChannelDialect) {
            joined.forEach(
                    channel -> channels.subscribed(client, channel, joint.since(), joint.strict(), request.id()));
        } else if (!hears.isEmpty()) {
            resumption.begin(
                    new Resumption.Request(client, hears, joined, joint.since(), joint.since() != null),
                    answer -> hears.forEach(
                            channel -> subscribed(client, channel, request, answer, joined.contains(channel))));
        }
    }

    private void subscribed(Client client, Channel channel, Request request, Resumption.Answer answer, boolean joined) {
        boolean recovered = answer.recovered() && channel.route().history();
        Payload newest = request.retained() && !recovered ? retention.newest(channel) : null;
        boolean given = newest != null && needs(client.connection(), channel, newest, answer, joined);
        boolean asked = Objects.requireNonNull(request.joint()).since() != null;
        Start start = new Start(asked ? (Boolean) recovered : null, answer.at(), answer.from());
        Connection connection = client.connection();
        if (newest != null && given) {
            // The answer has no position: the retained publication is older, and the connection may be cut before it is
            // sent.
            connection.hold();
            Start silent = new Start(start.recovered(), null, start.from());
            connection.send(client.dialect().subscribed(channel, true, silent, request.id()));
            deliveries.give(connection, channel, newest);
            connection.release();
        } else {
            connection.send(client.dialect().subscribed(channel, false, start, request.id()));
        }
    }

    /** Whether the retained publication must be sent, because the replay after the answer does not contain it. */
    private boolean needs(
            Connection connection, Channel channel, Payload newest, Resumption.Answer answer, boolean joined) {
        Position begins = answer.begins();
        if (joined && begins != null) {
            return !begins.precedes(newest.position());
        }
        return deliveries.needs(connection, channel, newest, joined);
    }

    private void join(Client client, Channel channel, Request request) {
        Connection connection = client.connection();
        Subscribed subscribed = registry.subscribe(connection, channel);
        switch (subscribed) {
            case YES, ALREADY -> {
                // Read after the connection joined: later publications are delivered to it.
                Payload newest = request.retained() ? retention.newest(channel) : null;
                if (newest != null && deliveries.needs(connection, channel, newest, subscribed == Subscribed.YES)) {
                    connection.send(client.dialect().subscribed(channel, true, Start.UNKNOWN, request.id()));
                    deliveries.give(connection, channel, newest);
                } else {
                    connection.send(client.dialect().subscribed(channel, false, Start.UNKNOWN, request.id()));
                }
            }
            case TOO_MANY -> tooMany(client, channel, request.id());
            case GONE -> {}
        }
    }

    /**
     * Ends a subscription of the user who lost the right to it, on all connections that share the subscription. They
     * use the same dialect, because connections of others have their own subscriptions.
     */
    private void revoke(Client asking, Channel channel) {
        for (Connection connection : registry.unsubscribe(asking.connection(), channel)) {
            connection.loop().execute(() -> leave(connection, asking.dialect(), channel, null));
        }
    }

    private static void leave(Connection connection, Dialect dialect, Channel channel, @Nullable JsonNode id) {
        connection.forget(channel);
        connection.send(dialect.unsubscribed(channel.name(), id));
    }

    private void tooMany(Client client, Channel channel, @Nullable JsonNode id) {
        tooManySubscriptions.exceeded();
        client.connection()
                .send(client.dialect()
                        .error(ErrorCode.TOO_MANY_SUBSCRIPTIONS, "too many subscriptions", channel.name(), id));
    }

    /** Refuses names that have a special meaning in Centrifugo, and the channels of users. */
    private List<String> allowed(Client client, List<String> names, @Nullable JsonNode id) {
        List<String> allowed = new ArrayList<>();
        for (String name : names) {
            Channel channel = routes.resolve(name);
            boolean ofUser = channel != null && channel.route().audience() == Audience.USER;
            if (channel != null && ofUser && channels.hears(client, channel)) {
                already(client, name, id);
            } else if (ofUser || name.startsWith(PRIVATE) || name.contains(USER_LIMITED)) {
                client.connection().send(client.dialect().error(ErrorCode.FORBIDDEN, "permission denied", name, id));
            } else {
                allowed.add(name);
            }
        }
        return allowed;
    }

    /** Always succeeds: on an error, clients assume that their connection's state is lost. */
    private void unsubscribe(Client client, String name, @Nullable JsonNode id) {
        Channel channel = routes.resolve(name);
        if (channel != null && channel.route().audience() == Audience.SUBSCRIBERS) {
            unsubscribe(client, channel, id);
        } else {
            client.connection().send(client.dialect().unsubscribed(name, id));
        }
    }

    private static void already(Client client, String channel, @Nullable JsonNode id) {
        client.connection()
                .send(client.dialect().error(ErrorCode.ALREADY_SUBSCRIBED, "already subscribed", channel, id));
    }

    private void each(Client client, List<String> names, @Nullable JsonNode id, Consumer<Channel> action) {
        for (String name : names) {
            Channel channel = routes.resolve(name);
            if (channel == null) {
                if (routes.isTooLong(name)) {
                    idTooLong.exceeded();
                }
                client.connection()
                        .send(client.dialect()
                                .error(
                                        ErrorCode.BAD_CHANNEL,
                                        "no such channel: prefix unknown, or id empty or too long",
                                        name,
                                        id));
            } else if (channel.route().audience() != Audience.SUBSCRIBERS) {
                client.connection()
                        .send(client.dialect()
                                .error(ErrorCode.BAD_CHANNEL, "this channel can't be subscribed to", name, id));
            } else {
                action.accept(channel);
            }
        }
    }
}
