package dev.sluice.session;

import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.history.History;
import dev.sluice.outbox.Payload;
import dev.sluice.protocol.Start;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.Subscribed;
import dev.sluice.retain.Retention;
import dev.sluice.route.Channel;
import dev.sluice.session.PendingSubscriptions.Request;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Starts the delivery of channels to clients with one position: all channels of a request together, because their
 * publications are replayed in one order. Every method is to be called on the connection's event loop.
 */
@Singleton
final class PositionedSubscriptions {

    private final Registry registry;
    private final History history;
    private final Retention retention;
    private final DeliveryDispatcher deliveries;
    private final Resumption resumption;
    private final StreamOpenings streams;

    PositionedSubscriptions(
            Registry registry,
            History history,
            Retention retention,
            DeliveryDispatcher deliveries,
            Resumption resumption,
            StreamOpenings streams) {
        this.registry = registry;
        this.history = history;
        this.retention = retention;
        this.deliveries = deliveries;
        this.resumption = resumption;
        this.streams = streams;
    }

    /** Starts the delivery to a new client, and sends what it missed. */
    void begin(Client client, Opening opening, Consumer<Start> answer) {
        List<Channel> hears = new ArrayList<>(registry.own(client.connection()));
        for (Channel channel : opening.channels()) {
            if (registry.subscribe(client.connection(), channel) != Subscribed.YES) {
                throw new IllegalStateException("a new connection has room for the channels of its request");
            }
            hears.add(channel);
        }
        List<Channel> others = hears.stream()
                .filter(channel -> !channel.route().source().readsStreams())
                .toList();
        if (others.size() == hears.size()) {
            begin(client, opening, hears, true, answer);
            return;
        }
        hears.removeAll(others);
        Since since = opening.since();
        Position position = since == null ? null : since.position();
        others.forEach(channel -> registry.suspend(client.connection(), channel));
        streams.begin(
                client,
                hears,
                since,
                opened -> begin(client, opening, others, opened.recovers(), start -> {
                    answer.accept(start.with(opened.recovers(), opened.entries(), position));
                    opened.proceed();
                }));
    }

    /** @param recovers whether the client gets what it missed of all other channels */
    private void begin(Client client, Opening opening, List<Channel> hears, boolean recovers, Consumer<Start> answer) {
        Since since = opening.since();
        Position position = since == null ? null : since.position();
        if (hears.isEmpty()) {
            Position at = client.at();
            answer.accept(new Start(since == null ? null : true, at, at));
            return;
        }
        // A client with a single answer must get everything that it missed, or the answer that this is impossible.
        boolean recoverable = recovers
                && (opening.channels().isEmpty()
                        || hears.stream().allMatch(channel -> channel.route().history()));
        Position from = recoverable ? position : null;
        resumption.begin(
                new Resumption.Request(client, hears, hears, from, from != null),
                given -> welcome(
                        client,
                        opening.channels().stream().filter(hears::contains).toList(),
                        given,
                        given.start(since != null),
                        answer));
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
        retained.forEach((channel, newest) -> deliveries.sendRetained(connection, channel, newest));
        connection.release();
    }

    /**
     * Starts the delivery of the channels of a request, and answers for each.
     *
     * @param joined those of them that the client did not receive before
     */
    void subscribe(Client client, List<Channel> hears, List<Channel> joined, Request request) {
        Position since = Objects.requireNonNull(request.joint()).since();
        resumption.begin(
                new Resumption.Request(client, hears, joined, since, since != null),
                answer -> hears.forEach(
                        channel -> subscribed(client, channel, request, answer, joined.contains(channel))));
    }

    private void subscribed(Client client, Channel channel, Request request, Resumption.Answer answer, boolean joined) {
        boolean recovered = answer.recovered() && channel.route().history();
        // Read first: nothing up to this tick is newer than a retained publication without a position.
        Position heard = history.heardSince(channel);
        Payload newest = request.retained() && !recovered ? retention.newest(channel) : null;
        boolean given = newest != null && needs(client.connection(), channel, newest, answer, joined);
        JointRequest joint = Objects.requireNonNull(request.joint());
        Start start = new Start(joint.asked() ? (Boolean) recovered : null, answer.at(), answer.from());
        Connection connection = client.connection();
        if (newest != null && given) {
            // The answer has no position: the retained publication is older, and the connection may be cut before it is
            // sent.
            connection.hold();
            Start silent = new Start(start.recovered(), null, start.from());
            connection.send(client.dialect().subscribed(channel, true, silent, request.id()));
            // A replay from an older position may contain it, which only a position tells the client.
            deliveries.sendRetained(connection, channel, heard == null ? newest : newest.orAt(heard));
            connection.release();
        } else {
            connection.send(client.dialect().subscribed(channel, false, start, request.id()));
        }
        joint.answered(client, channel);
    }

    /** Whether the retained publication must be sent, because the replay after the answer does not contain it. */
    private boolean needs(
            Connection connection, Channel channel, Payload newest, Resumption.Answer answer, boolean joined) {
        Position position = newest.position();
        Position begins = answer.begins();
        if (joined && begins != null) {
            return !begins.precedes(position);
        }
        return deliveries.needsRetained(connection, channel, newest, joined);
    }
}
