package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.sluice.access.Authorizer;
import dev.sluice.access.Decision;
import dev.sluice.fleet.Listeners;
import dev.sluice.fleet.ListenersResponder;
import dev.sluice.outbox.Frame;
import dev.sluice.presence.PresenceEvents;
import dev.sluice.presence.PresenceEvents.Present;
import dev.sluice.presence.PresenceFormat;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.protocol.PresentUsers;
import dev.sluice.registry.Connection;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Answers clients that ask who else receives a channel. A client that is told who joins and leaves is answered from the
 * same table, so that events continue the answer. Thread-safe.
 */
@Singleton
final class PresenceQuery {

    /** The maximum number of connections or users in an answer. */
    private static final int MAX_PRESENT = 1000;

    /** How long all clients get the same answer, so that a busy channel costs the fleet one question in that time. */
    private static final Duration KEPT = Duration.ofSeconds(1);

    /** The answers kept. */
    private static final int MAX_KEPT = 1000;

    private record Key(Channel channel, boolean byClient) {}

    private final Cache<Key, Uni<Listeners>> answers =
            Caffeine.newBuilder().expireAfterWrite(KEPT).maximumSize(MAX_KEPT).build();
    /** The formats of those dialects that have events. */
    private static final PresenceFormat V2 = Dialect.V2::presenceChanged;

    private static final PresenceFormat CENTRIFUGE = Dialect.CENTRIFUGE::presenceChanged;

    private final BiFunction<Channel, Boolean, Uni<Listeners>> question;
    private final PresenceEvents events;
    private final Authorizer authorizer;

    /** Those for which the authorizer is asked; one question for each, as clients could ask for very many channels. */
    private final Set<Connection> undecided = ConcurrentHashMap.newKeySet();

    @Inject
    PresenceQuery(ListenersResponder fleet, PresenceEvents events, Authorizer authorizer) {
        this((channel, byClient) -> fleet.askForClient(channel, byClient), events, authorizer);
    }

    PresenceQuery(BiFunction<Channel, Boolean, Uni<Listeners>> question, PresenceEvents events, Authorizer authorizer) {
        this.question = question;
        this.events = events;
        this.authorizer = authorizer;
    }

    /**
     * Tells the client from now on which users join and leave the channel, and first, unless it keeps a position for each
     * channel, who is present. To be called on the client's loop, after the client was told that it receives the channel.
     */
    void watch(Client client, Channel channel) {
        boolean byChannel = client.dialect() instanceof ChannelDialect;
        if (channel.route().presence()) {
            events.watch(client.connection(), channel, byChannel ? CENTRIFUGE : V2, present -> {
                if (!byChannel) {
                    send(client, frame(client, channel, present, null), null);
                }
            });
        } else if (!byChannel) {
            client.connection()
                    .send(client.dialect()
                            .error(ErrorCode.UNKNOWN_ACTION, "the channel has no presence", channel.name(), null));
        }
    }

    /** Clients of Centrifugo know users by connections; these get one for each user, as their events say. */
    private static Frame frame(Client client, Channel channel, Present present, @Nullable JsonNode id) {
        if (client.dialect() instanceof ChannelDialect dialect) {
            if (!present.complete()) {
                return present.count() > present.names().size()
                        ? dialect.error(ErrorCode.TOO_MANY_SUBSCRIPTIONS, "too many users to list", id)
                        : dialect.error(ErrorCode.UNAVAILABLE, "this pod may not know all users now", id);
            }
            return dialect.presence(present.names().stream().collect(Collectors.toMap(name -> name, name -> name)), id);
        }
        return client.dialect()
                .presence(
                        new PresentUsers(
                                channel.name(),
                                present.fleet() ? "fleet" : "pod",
                                null,
                                present.count(),
                                present.names(),
                                present.complete() && present.fleet()),
                        id);
    }

    /** Answers a client that does not receive the channel, if it may. To be called on the client's loop. */
    void answerIfAllowed(Client client, Channel channel, ClientMessage.Presence message) {
        Connection connection = client.connection();
        Decision known = channel.route().audience() == Audience.SUBSCRIBERS
                ? authorizer.known(connection.user(), connection::mayHear, channel)
                : Decision.FORBIDDEN;
        if (known != null) {
            decided(client, channel, message, known);
        } else if (undecided.add(connection)) {
            Uni.createFrom()
                    .deferred(() -> authorizer.ask(connection.user(), channel))
                    .onTermination()
                    .invoke(() -> undecided.remove(connection))
                    .subscribe()
                    .with(decision -> connection.loop().execute(() -> decided(client, channel, message, decision)));
        } else {
            refuse(client, channel, message, ErrorCode.UNAVAILABLE, "wait for the previous answer");
        }
    }

    private void decided(Client client, Channel channel, ClientMessage.Presence message, Decision decision) {
        switch (decision) {
            case ALLOWED -> answer(client, channel, message);
            case FORBIDDEN ->
                refuse(client, channel, message, ErrorCode.FORBIDDEN, "you may not listen to this channel");
            case UNKNOWN ->
                refuse(client, channel, message, ErrorCode.UNAVAILABLE, "can't find out now whether you may listen");
        }
    }

    private static void refuse(
            Client client, Channel channel, ClientMessage.Presence message, ErrorCode code, String text) {
        client.connection().send(client.dialect().error(code, text, channel.name(), message.id()));
    }

    /** Answers when the fleet has answered. To be called on the client's loop, for a channel that it may hear. */
    void answer(Client client, Channel channel, ClientMessage.Presence message) {
        if (!message.stats()
                && events.present(
                        client.connection(),
                        channel,
                        present -> send(client, frame(client, channel, present, message.id()), message.id()),
                        () -> client.connection()
                                .send(client.dialect()
                                        .error(ErrorCode.FORBIDDEN, "subscribe to the channel first", message.id())))) {
            return;
        }
        boolean byClient = client.dialect() instanceof ChannelDialect && !message.stats();
        Key key = new Key(channel.compact(), byClient);
        Uni<Listeners> answer = Objects.requireNonNull(answers.get(
                key,
                asked -> question.apply(asked.channel, asked.byClient).memoize().indefinitely()));
        Connection connection = client.connection();
        answer.subscribe()
                .with(
                        found -> connection
                                .loop()
                                .execute(() -> send(client, frame(client, channel, message, found), message.id())),
                        failure -> connection
                                .loop()
                                .execute(() -> refuse(
                                        client,
                                        channel,
                                        message,
                                        ErrorCode.UNAVAILABLE,
                                        "too many questions, try again")));
    }

    private static Frame frame(Client client, Channel channel, ClientMessage.Presence message, Listeners found) {
        JsonNode id = message.id();
        if (!(client.dialect() instanceof ChannelDialect dialect)) {
            return client.dialect()
                    .presence(
                            new PresentUsers(
                                    channel.name(),
                                    found.scope(),
                                    found.connections(),
                                    found.users(),
                                    found.names().stream().limit(MAX_PRESENT).toList(),
                                    found.complete() && found.names().size() <= MAX_PRESENT),
                            id);
        }
        if (message.stats()) {
            return dialect.presenceStats(found.connections(), found.users(), id);
        }
        return found.cut() || found.clients().size() > MAX_PRESENT
                ? dialect.error(ErrorCode.TOO_MANY_SUBSCRIPTIONS, "too many clients to list", id)
                : dialect.presence(found.clients(), id);
    }

    private static void send(Client client, Frame frame, @Nullable JsonNode id) {
        if (client.connection().hasRoom(frame.cost())) {
            client.spend(frame.length());
            client.connection().send(frame);
        } else {
            client.connection()
                    .send(client.dialect().error(ErrorCode.TOO_MANY_SUBSCRIPTIONS, "the answer is too long", id));
        }
    }
}
