package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.AuthenticatedUser;
import dev.sluice.access.Authorizer;
import dev.sluice.access.Decision;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.log.LimitMeter;
import dev.sluice.outbox.Payload;
import dev.sluice.protocol.ChannelDialect;
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
import dev.sluice.route.Channel;
import dev.sluice.session.PendingSubscriptions.Request;
import dev.sluice.span.Span;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Executes requests to subscribe and unsubscribe. Answers are in order, except where a decision about access takes time.
 * Every method is to be called on the connection's event loop.
 */
@Singleton
final class SubscriptionHandler {

    private final ChannelNames names;
    private final Authorizer authorizer;
    private final FeedGate gate;
    private final Registry registry;
    private final Retention retention;
    private final DeliveryDispatcher deliveries;
    private final PositionedSubscriptions positioned;
    private final ChannelCommands channelCommands;
    private final StreamSubscriptions streams;
    private final PresenceQuery presence;
    private final LimitMeter tooManySubscriptions;

    SubscriptionHandler(
            ChannelNames names,
            Authorizer authorizer,
            FeedGate gate,
            Registry registry,
            Retention retention,
            DeliveryDispatcher deliveries,
            PositionedSubscriptions positioned,
            ChannelCommands channelCommands,
            StreamSubscriptions streams,
            PresenceQuery presence,
            MeterRegistry metrics) {
        this.names = names;
        this.authorizer = authorizer;
        this.gate = gate;
        this.registry = registry;
        this.retention = retention;
        this.deliveries = deliveries;
        this.positioned = positioned;
        this.channelCommands = channelCommands;
        this.streams = streams;
        this.presence = presence;
        this.tooManySubscriptions = new LimitMeter("subscriptions-per-user", metrics);
    }

    /** Subscribes the client to the channels to which it may listen. */
    void subscribe(Client client, Subscribe message) {
        JointRequest joint = client.connection().positioned()
                ? new JointRequest(
                        message.since(),
                        message.entry(),
                        message.strict(),
                        (watching, channel) -> answered(watching, channel, message.presence()))
                : null;
        Request request = new Request(message.retained(), message.id(), joint);
        names.forEachSubscribed(client, message, channel -> {
            if (joint != null) {
                joint.await();
            }
            subscribe(client, channel, request);
        });
        settle(client, request);
    }

    /** @param watches whether the client asked who else receives the channel */
    private void answered(Client client, Channel channel, boolean watches) {
        gate.tellLoss(client, channel);
        if (watches) {
            presence.watch(client, channel);
        }
    }

    private void subscribe(Client client, Channel channel, Request request) {
        Span span = span(client, channel);
        Decision known = known(client, channel);
        if (known != null && !(known == Decision.ALLOWED && gate.guards(channel))) {
            decided(client, channel, request, known);
            end(span, known);
            return;
        }
        PendingSubscriptions pending = client.pending();
        if (pending.count() >= registry.maxSubscriptions() || !pending.hasRoomFor(request)) {
            tooMany(client, channel, request.id());
            settle(client, request);
            if (!span.equals(Span.NONE)) {
                span.end(ErrorCode.TOO_MANY_SUBSCRIPTIONS);
            }
        } else if (pending.add(channel, request)) {
            if (known != null) {
                awaitFeed(client, channel, span);
                return;
            }
            authorizer
                    .ask(client.connection().user(), channel, span)
                    .subscribe()
                    .with(decision -> client.connection().loop().execute(() -> {
                        if (decision == Decision.ALLOWED && gate.guards(channel)) {
                            awaitFeed(client, channel, span);
                        } else {
                            // If the client has unsubscribed meanwhile, nothing waits for the decision.
                            pending.remove(channel).forEach(waiting -> decided(client, channel, waiting, decision));
                            end(span, decision);
                        }
                    }));
        } else {
            span.end("pending");
        }
    }

    private @Nullable Decision known(Client client, Channel channel) {
        return authorizer.known(client.connection().user(), client.connection()::mayHear, channel);
    }

    /** Without a tracer, not even the strings are made. */
    private static Span span(Client client, Channel channel) {
        Span parent = client.span();
        return parent.equals(Span.NONE) ? parent : parent.child("subscribe").set("sluice.channel", channel.name());
    }

    private static void end(Span span, Decision decision) {
        if (!span.equals(Span.NONE)) {
            decision.end(span);
        }
    }

    /** Decides the waiting requests for a channel once the feed hears it. */
    private void awaitFeed(Client client, Channel channel, Span span) {
        gate.join(
                List.of(channel),
                client.dialect(),
                release -> client.connection().loop().execute(() -> {
                    joined(client, channel, client.pending().remove(channel), release);
                    if (release == null) {
                        span.fail("max_channels");
                    } else {
                        end(span, Decision.ALLOWED);
                    }
                }));
    }

    /** @param release to be run when the client listens, {@code null} if the feed can't hear the channel */
    private void joined(Client client, Channel channel, List<Request> waiting, @Nullable Runnable release) {
        if (release == null) {
            for (Request request : waiting) {
                client.connection()
                        .send(client.dialect()
                                .error(
                                        ErrorCode.UNAVAILABLE,
                                        "this pod has too many channels",
                                        channel.name(),
                                        request.id()));
                settle(client, request);
            }
            return;
        }
        int[] unsettled = {waiting.size() + 1};
        Runnable settled = () -> {
            if (--unsettled[0] == 0) {
                release.run();
            }
        };
        try {
            // A new token may have changed it.
            Decision now = known(client, channel);
            for (Request request : waiting) {
                JointRequest joint = request.joint();
                if (joint != null) {
                    joint.whenSettled(channel, settled);
                }
                decided(client, channel, request, now == null ? Decision.ALLOWED : now);
                if (joint == null) {
                    settled.run();
                }
            }
        } finally {
            settled.run();
        }
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
                forbid(client, channel, id);
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
        if (joint != null && joint.decided()) {
            try {
                listen(client, request, joint);
            } finally {
                joint.settled();
            }
        }
    }

    private void listen(Client client, Request request, JointRequest joint) {
        List<Channel> hears = new ArrayList<>();
        List<Channel> joined = new ArrayList<>();
        for (Channel channel : joint.allowed()) {
            if (streams.takes(client, channel, request)) {
                continue;
            }
            switch (registry.subscribe(client.connection(), channel)) {
                case YES -> {
                    hears.add(channel);
                    joined.add(channel);
                }
                case ALREADY -> {
                    if (client.dialect() instanceof ChannelDialect) {
                        ChannelNames.alreadySubscribed(client, channel.name(), request.id());
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
            joined.forEach(channel -> channelCommands.subscribed(client, channel, joint, request.id()));
        } else if (!hears.isEmpty()) {
            positioned.subscribe(client, hears, joined, request);
        }
    }

    private void join(Client client, Channel channel, Request request) {
        if (streams.takes(client, channel, request)) {
            return;
        }
        Connection connection = client.connection();
        Subscribed subscribed = registry.subscribe(connection, channel);
        switch (subscribed) {
            case YES, ALREADY -> {
                // Read after the connection joined: later publications are delivered to it.
                Payload newest = request.retained() ? retention.newest(channel) : null;
                if (newest != null
                        && deliveries.needsRetained(connection, channel, newest, subscribed == Subscribed.YES)) {
                    connection.send(client.dialect().subscribed(channel, true, Start.UNKNOWN, request.id()));
                    deliveries.sendRetained(connection, channel, newest);
                } else {
                    connection.send(client.dialect().subscribed(channel, false, Start.UNKNOWN, request.id()));
                }
                gate.tellLoss(client, channel);
            }
            case TOO_MANY -> tooMany(client, channel, request.id());
            case GONE -> {}
        }
    }

    /** Ends the client's subscriptions to the channels. */
    void unsubscribe(Client client, Unsubscribe message) {
        List<Request> joint = client.pending().joint();
        names.forEachUnsubscribed(client, message, channel -> unsubscribe(client, channel, joint, message.id()));
    }

    /** @param joint the client's requests that wait, maybe for other channels */
    private void unsubscribe(Client client, Channel channel, List<Request> joint, @Nullable JsonNode id) {
        // Requests that wait end the same way.
        for (Request request : joint) {
            withdraw(request, channel::equals).forEach(allowed -> giveUp(client, allowed, request));
        }
        client.pending().remove(channel).forEach(waiting -> {
            giveUp(client, channel, waiting);
            settle(client, waiting);
        });
        registry.unsubscribe(client.connection(), channel);
        leave(client.connection(), client.dialect(), channel, id);
    }

    private static List<Channel> withdraw(Request request, Predicate<Channel> which) {
        return request.joint() == null ? List.of() : request.joint().withdraw(which);
    }

    private static void giveUp(Client client, Channel channel, Request request) {
        if (client.dialect() instanceof ChannelDialect) {
            client.connection()
                    .send(client.dialect().error(ErrorCode.UNAVAILABLE, "unsubscribed", channel.name(), request.id()));
        } else {
            leave(client.connection(), client.dialect(), channel, request.id());
        }
    }

    /** Reports channels that the client no longer receives, because its new token does not allow them. */
    void regrant(Client client, AuthenticatedUser renewed) {
        for (Request request : client.pending().joint()) {
            withdraw(request, channel -> authorizer.known(renewed, channel) == Decision.FORBIDDEN)
                    .forEach(channel -> forbid(client, channel, request.id()));
        }
        registry.regrant(client.connection(), renewed.grants())
                .forEach(channel -> leave(client.connection(), client.dialect(), channel, null));
    }

    /**
     * Ends a subscription of the user who lost the right to it, on all connections that share the subscription. They
     * use the same dialect, because connections of others have their own subscriptions.
     */
    private void revoke(Client asking, Channel channel) {
        for (Connection connection : registry.unsubscribe(asking.connection(), channel)) {
            connection.loop().execute(() -> {
                // A client that has yet to be answered does not know of the subscription.
                if (!connection.isWaiting()) {
                    leave(connection, asking.dialect(), channel, null);
                }
            });
        }
    }

    private static void leave(Connection connection, Dialect dialect, Channel channel, @Nullable JsonNode id) {
        connection.forget(channel);
        connection.send(dialect.unsubscribed(channel.name(), id));
    }

    private static void forbid(Client client, Channel channel, @Nullable JsonNode id) {
        String message = "you may not listen to this channel" + Authorizer.reason(channel);
        client.connection().send(client.dialect().error(ErrorCode.FORBIDDEN, message, channel.name(), id));
    }

    private void tooMany(Client client, Channel channel, @Nullable JsonNode id) {
        tooManySubscriptions.exceeded();
        client.connection()
                .send(client.dialect()
                        .error(ErrorCode.TOO_MANY_SUBSCRIPTIONS, "too many subscriptions", channel.name(), id));
    }
}
