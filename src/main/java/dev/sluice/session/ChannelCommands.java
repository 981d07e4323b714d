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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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
    private final ChannelStreams streams;
    private final PresenceQuery presence;

    ChannelCommands(
            Routes routes,
            Registry registry,
            History history,
            ChannelResumption resumption,
            ChannelStreams streams,
            PresenceQuery presence) {
        this.routes = routes;
        this.registry = registry;
        this.history = history;
        this.resumption = resumption;
        this.streams = streams;
        this.presence = presence;
    }

    static ChannelDialect dialect(Client client) {
        return (ChannelDialect) client.dialect();
    }

    /**
     * Starts the delivery of the user's channels to a new client.
     *
     * @param message has its positions
     */
    void connect(
            Client client,
            ClientMessage.Connect message,
            Function<Map<Channel, Start>, Frame> answer,
            Runnable onAnswer) {
        Map<Channel, @Nullable Position> own = new LinkedHashMap<>();
        Map<Channel, Start> ofStreams = new LinkedHashMap<>();
        for (Channel channel : routes.ofUser(client.connection().user())) {
            if (ChannelStreams.reads(channel)) {
                boolean asked = message.since().containsKey(channel.name());
                ofStreams.put(channel, Start.ofStream(asked ? false : null, null));
            } else {
                own.put(channel, message.since().get(channel.name()));
            }
        }
        if (ofStreams.isEmpty()) {
            resumption.begin(new ChannelResumption.Request(client, own, answer), onAnswer);
            return;
        }
        client.waits(true);
        // Otherwise it would be told of gaps before it is answered.
        client.connection().waits(true);
        // A publication before the answer would move the client's position past those that it missed.
        own.keySet().forEach(channel -> registry.suspend(client.connection(), channel));
        Connecting connecting = new Connecting(client, ofStreams, own, answer, () -> {
            onAnswer.run();
            client.waits(false);
        });
        streams.limit(client, connecting::overdue);
        ofStreams
                .keySet()
                .forEach(channel -> streams.begin(
                        client,
                        channel,
                        message.since().containsKey(channel.name()),
                        message.entries().get(channel.name()),
                        (start, follow) -> connecting.started(channel, start, follow)));
    }

    /** The user's channels that are read from streams, which are answered together with the others. */
    private final class Connecting {

        private final Client client;
        private final Map<Channel, @Nullable Position> others;
        private final Function<Map<Channel, Start>, Frame> answer;
        private final Runnable onAnswer;
        private final Map<Channel, Start> starts;
        private final Set<Channel> missing;
        private final List<Runnable> followings = new ArrayList<>();

        /** Whether the answer waits for the other channels only, or has been sent. */
        private boolean complete;

        private boolean answered;

        /** @param unread the channels, and the start of each if it can't be read */
        Connecting(
                Client client,
                Map<Channel, Start> unread,
                Map<Channel, @Nullable Position> others,
                Function<Map<Channel, Start>, Frame> answer,
                Runnable onAnswer) {
            this.client = client;
            this.starts = new LinkedHashMap<>(unread);
            this.missing = new HashSet<>(unread.keySet());
            this.others = others;
            this.answer = answer;
            this.onAnswer = onAnswer;
        }

        /**
         * Records a start; with the last one, answers.
         *
         * @param start {@code null} if the stream can't be read
         * @return whether the answer has been sent
         */
        boolean started(Channel channel, @Nullable Start start, Runnable follow) {
            if (answered) {
                return start == null || begunLate(channel, start);
            }
            missing.remove(channel);
            if (start != null) {
                starts.put(channel, start);
            }
            boolean last = missing.isEmpty() && !complete;
            boolean now = last && others.isEmpty();
            if (!now) {
                followings.add(follow);
            }
            if (last) {
                complete();
            }
            return now;
        }

        /** The client knows no position of the channel yet, and may have missed entries since it was answered. */
        private boolean begunLate(Channel channel, Start start) {
            return streams.lose(client.connection(), dialect(client), channel, Objects.requireNonNull(start.entry()));
        }

        /** Answers without the missing channels, unless nothing is missing. */
        void overdue() {
            if (!complete) {
                complete();
            }
        }

        private void complete() {
            complete = true;
            client.cancelTimer();
            if (others.isEmpty()) {
                client.connection().send(answer.apply(starts));
                answered();
                return;
            }
            ChannelResumption.Request rest = new ChannelResumption.Request(client, others, begun -> {
                starts.putAll(begun);
                return answer.apply(starts);
            });
            resumption.begin(rest, this::answered);
        }

        private void answered() {
            answered = true;
            client.connection().waits(false);
            onAnswer.run();
            followings.forEach(Runnable::run);
        }
    }

    /** Starts the delivery of a channel to which the client has just subscribed. */
    void subscribed(Client client, Channel channel, JointRequest joint, @Nullable JsonNode id) {
        if (ChannelStreams.reads(channel)) {
            streams.begin(client, channel, joint.asked(), joint.entry(), new Subscribing(client, channel, joint, id));
            return;
        }
        Map<Channel, @Nullable Position> one = new LinkedHashMap<>();
        one.put(channel, joint.since());
        resumption.begin(
                new ChannelResumption.Request(
                        client,
                        one,
                        starts -> answer(client, channel, joint, starts.getOrDefault(channel, Start.UNKNOWN), id)),
                () -> joint.answered(client, channel));
    }

    private Frame answer(Client client, Channel channel, JointRequest joint, Start start, @Nullable JsonNode id) {
        if (isRejected(joint, start)) {
            registry.unsubscribe(client.connection(), channel);
            return client.dialect().error(ErrorCode.UNRECOVERABLE, "unrecoverable position", channel.name(), id);
        }
        return client.dialect().subscribed(channel, false, start, id);
    }

    /** Whether the client prefers an error to this start. */
    private static boolean isRejected(JointRequest joint, Start start) {
        return joint.strict() && Boolean.FALSE.equals(start.recovered());
    }

    /** Answers a request to subscribe to a stream. */
    private final class Subscribing implements ChannelStreams.Answer {

        private final Client client;
        private final Channel channel;
        private final JointRequest joint;
        private final @Nullable JsonNode id;

        Subscribing(Client client, Channel channel, JointRequest joint, @Nullable JsonNode id) {
            this.client = client;
            this.channel = channel;
            this.joint = joint;
            this.id = id;
        }

        @Override
        public boolean send(@Nullable Start start, Runnable follow) {
            if (start == null) {
                registry.unsubscribe(client.connection(), channel);
                refuse(client, ErrorCode.UNAVAILABLE, "can't read the stream now", id);
                return false;
            }
            client.connection().send(answer(client, channel, joint, start, id));
            if (isRejected(joint, start)) {
                return false;
            }
            joint.answered(client, channel);
            return true;
        }

        @Override
        public void left() {
            refuse(client, ErrorCode.UNAVAILABLE, "unsubscribed", id);
        }
    }

    /** Whether the client receives the channel, with or without a subscription. */
    boolean hears(Client client, Channel channel) {
        return registry.channels(client.connection()).contains(channel);
    }

    /** Suspends delivery to the client until {@link #restart} reports that publications may be lost. */
    void suspend(Client client) {
        Connection connection = client.connection();
        registry.channels(connection).stream()
                .filter(channel -> !ChannelStreams.reads(channel))
                .forEach(channel -> registry.suspend(connection, channel));
    }

    /**
     * Ends the client's subscriptions, so that it subscribes again, and restarts its user's channels.
     *
     * @param all whether also those to channels that are read from streams alone
     */
    void restart(Client client, boolean all) {
        Connection connection = client.connection();
        List<Channel> own = routes.ofUser(connection.user());
        Map<Channel, @Nullable Position> restarted = new LinkedHashMap<>();
        own.stream().filter(channel -> !ChannelStreams.reads(channel)).forEach(channel -> restarted.put(channel, null));
        List<Channel> ended = new ArrayList<>(registry.channels(connection));
        ended.removeAll(own);
        ended.removeIf(channel -> !isRestarted(channel, all));
        ended.forEach(channel -> registry.unsubscribe(connection, channel));
        ended.forEach(connection::forget);
        restarted.keySet().forEach(connection::forget);
        if (!restarted.isEmpty() || !ended.isEmpty()) {
            resumption.begin(
                    new ChannelResumption.Request(client, restarted, starts -> {
                        Map<Channel, Start> lost = new LinkedHashMap<>();
                        starts.forEach((channel, start) -> lost.put(channel, new Start(false, null, start.from())));
                        return dialect(client).restarted(ended, lost);
                    }),
                    () -> {});
        }
        own.stream()
                .filter(channel -> ChannelStreams.reads(channel) && isRestarted(channel, all))
                .forEach(channel -> restart(client, channel));
    }

    private static boolean isRestarted(Channel channel, boolean all) {
        return all || channel.route().source().hearsPublish();
    }

    private void restart(Client client, Channel ofStream) {
        Connection connection = client.connection();
        connection.forget(ofStream);
        streams.begin(client, ofStream, true, null, (known, follow) -> {
            Start start = known == null ? Start.ofStream(false, null) : known;
            connection.send(dialect(client).restarted(List.of(), Map.of(ofStream, start)));
            return true;
        });
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
        Position since = message.since() == null ? null : message.since().of(channel.name());
        Resumption.charge(client, since);
        Replay replay = history.list(channel, limit, since, message.reverse());
        if (replay instanceof Recovered recovered) {
            List<Payload> payloads =
                    recovered.entries().stream().map(Entry::payload).toList();
            Position top = Resumption.name(history, client, recovered.upTo(), () -> List.of(channel));
            Frame answer = dialect(client).history(payloads, top, message.id());
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

    /**
     * Answers with the users who receive a channel on any pod, if the route allows it and the client receives it, or may. With
     * Centrifugo's protocol it must receive it, as there.
     */
    void presence(Client client, ClientMessage.Presence message) {
        Channel channel = client.dialect() instanceof ChannelDialect
                ? heard(client, message.channel(), message.id())
                : known(client, message.channel(), message.id());
        if (channel == null) {
            return;
        }
        if (!channel.route().presence()) {
            refuse(client, ErrorCode.UNKNOWN_ACTION, "the channel has no presence", message.id());
        } else if (hears(client, channel)) {
            presence.answer(client, channel, message);
        } else {
            presence.answerIfAllowed(client, channel, message);
        }
    }

    private @Nullable Channel known(Client client, String name, @Nullable JsonNode id) {
        Channel channel = routes.resolve(name);
        if (channel == null) {
            refuse(client, ErrorCode.BAD_CHANNEL, "unknown channel", id);
        }
        return channel;
    }

    private @Nullable Channel heard(Client client, String name, @Nullable JsonNode id) {
        Channel channel = known(client, name, id);
        if (channel != null && !hears(client, channel)) {
            refuse(client, ErrorCode.FORBIDDEN, "subscribe to the channel first", id);
            return null;
        }
        return channel;
    }

    private static void refuse(Client client, ErrorCode code, String message, @Nullable JsonNode id) {
        client.connection().send(client.dialect().error(code, message, id));
    }
}
