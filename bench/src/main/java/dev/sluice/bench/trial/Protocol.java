package dev.sluice.bench.trial;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.bench.account.Books;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.trial.Publisher.Numbered;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.ResumingClient.Frame;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The protocol of clients, and the command that publishes to them. */
public interface Protocol {

    /** Where the WebSocket is opened. */
    String path();

    /** The WebSocket subprotocol that a client offers. */
    Optional<String> subprotocol();

    /** Whether a client may continue a subscription on another connection. */
    boolean resumes();

    /** The Redis command that publishes. */
    List<String> publish(String channel, String payload);

    /** A client that has not connected yet. */
    Client client(String user, Set<String> channels);

    /** A client, and what it remembers from one connection to the next. To be used on the event loop. */
    interface Client {

        /** Called when a connection is open. */
        void opened(Connection connection);

        /** Called for each text frame. */
        void heard(String message, Connection connection);

        /** Whether it could resume all its channels now, if it needs a position of each for that. */
        default boolean isPositioned() {
            return true;
        }
    }

    /** A connection of a client, which sends messages and logs what the client got. */
    interface Connection {

        void say(String message);

        void published(String payload);

        /** The client got a publication again, and dropped it. */
        void repeated();

        /** @param resumption whether the server resumed it, if the client asked for that */
        void subscribed(String channel, boolean retained, Optional<Boolean> resumption);

        /** The server ended the subscription; the client subscribes again. */
        void unsubscribed(String channel);

        void missed(String channel, int count);

        /**
         * @param channel whose stream may lack entries; empty if the gap is of all other channels
         * @param until empty while the gap lasts
         */
        void gap(Optional<String> channel, String since, Optional<String> until);

        /** The client got a message that no well-behaved client should get. */
        void surprised(String message);
    }

    /** The protocols of Sluice; the Node relay speaks the first. */
    enum SluiceProtocol implements Protocol {
        V1("/ws", Optional.empty()) {
            @Override
            public Client client(String user, Set<String> channels) {
                return new V1Client(user, subscribable(channels));
            }
        },

        V2("/ws", Optional.of(ResumingClient.SUBPROTOCOL)) {
            @Override
            public Client client(String user, Set<String> channels) {
                return new V2Client(user, new ResumingClient(user, subscribable(channels)));
            }
        },

        /** That of Centrifugo's SDKs. */
        CENTRIFUGE("/connection/websocket", Optional.of("centrifuge-json")) {
            @Override
            public Client client(String user, Set<String> channels) {
                return new CentrifugeClient(user, subscribable(channels));
            }
        };

        private static final ObjectMapper JSON = new ObjectMapper();
        private static final String PONG = "{\"action\":\"pong\"}";

        private final String path;
        private final Optional<String> subprotocol;

        SluiceProtocol(String path, Optional<String> subprotocol) {
            this.path = path;
            this.subprotocol = subprotocol;
        }

        @Override
        public String path() {
            return path;
        }

        @Override
        public Optional<String> subprotocol() {
            return subprotocol;
        }

        @Override
        public boolean resumes() {
            return this != V1;
        }

        @Override
        public List<String> publish(String channel, String payload) {
            return Books.isStream(channel)
                    ? List.of("XADD", channel, "MAXLEN", "~", "100000", "*", "data", payload)
                    : List.of("PUBLISH", channel, payload);
        }

        static String authentication(String user) {
            return "{\"type\":\"auth\",\"token\":\"" + Credentials.of(user) + "\"}";
        }

        static String subscription(String channel) {
            return "{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}";
        }

        /** The channels that need a subscription; the channel of the user needs none. */
        private static Set<String> subscribable(Set<String> channels) {
            Set<String> subscribable = new TreeSet<>(channels);
            subscribable.removeIf(channel -> channel.startsWith("user:"));
            return subscribable;
        }

        private record V1Client(String user, Set<String> channels) implements Client {

            @Override
            public void opened(Connection connection) {
                connection.say(authentication(user));
                channels.forEach(channel -> connection.say(subscription(channel)));
            }

            @Override
            public void heard(String message, Connection connection) {
                if (Numbered.is(message)) {
                    connection.published(message);
                } else {
                    control(new Frame(parse(message), Optional.empty(), false), user, message, connection);
                }
            }
        }

        private static JsonNode parse(String message) {
            try {
                return JSON.readTree(message);
            } catch (JsonProcessingException e) {
                throw new IllegalArgumentException("not JSON: " + message, e);
            }
        }

        private record V2Client(String user, ResumingClient memory) implements Client {

            @Override
            public void opened(Connection connection) {
                memory.opened(Credentials.of(user)).forEach(connection::say);
            }

            @Override
            public void heard(String message, Connection connection) {
                Frame frame = memory.heard(message);
                boolean asked = memory.isResuming(frame.channel());
                if (frame.isAnswer() && asked != frame.header().has("recovered")) {
                    connection.surprised(
                            (asked ? "asked to resume, " : "asked for nothing, ") + user + " was told " + message);
                }
                if (frame.repeated()) {
                    connection.repeated();
                } else if (frame.payload().isPresent()) {
                    connection.published(frame.payload().get());
                } else if (!frame.action().equals("mark")) {
                    control(frame, user, message, connection);
                }
            }
        }

        /**
         * It has a position for each channel, and subscribes again when the server ends a subscription. As the SDKs do not act on {@code gap}
         * messages, these do not count: {@code recovered} alone says whether something was lost.
         */
        private static final class CentrifugeClient implements Client {

            private static final int INSUFFICIENT_STATE = 2500;

            /** The epoch of a subscription that can't be resumed, because the pod does not know the clock yet. */
            private static final String NO_EPOCH = "_";

            private final String user;
            private final Set<String> channels;

            /** The request that continues the subscription, by channel. */
            private final Map<String, ObjectNode> positions = new HashMap<>();

            /** The channels to which it subscribes on the newest connection, by the numbers of the commands. */
            private final Map<Integer, String> commands = new HashMap<>();

            CentrifugeClient(String user, Set<String> channels) {
                this.user = user;
                this.channels = channels;
            }

            @Override
            public void opened(Connection connection) {
                commands.clear();
                String own = "user:" + user;
                ObjectNode connect = JSON.createObjectNode().put("token", Credentials.of(user));
                if (positions.containsKey(own)) {
                    connect.putObject("subs").set(own, positions.get(own));
                }
                say("connect", connect, own, connection);
                channels.forEach(channel -> subscribe(channel, connection));
            }

            private void subscribe(String channel, Connection connection) {
                ObjectNode request = Optional.ofNullable(positions.get(channel)).orElseGet(JSON::createObjectNode);
                say("subscribe", request.put("channel", channel), channel, connection);
            }

            private void say(String command, ObjectNode request, String channel, Connection connection) {
                int number = commands.size() + 1;
                commands.put(number, channel);
                ObjectNode message = JSON.createObjectNode().put("id", number);
                message.set(command, request);
                connection.say(message.toString());
            }

            @Override
            public void heard(String message, Connection connection) {
                for (String line : message.split("\n")) {
                    JsonNode said = parse(line);
                    JsonNode push = said.path("push");
                    String channel = push.path("channel").asText();
                    if (said.isEmpty()) {
                        connection.say("{}");
                    } else if (said.has("connect")) {
                        String own = commands.get(said.path("id").asInt());
                        subscribed(own, said.path("connect").path("subs").path(own), connection);
                    } else if (said.has("subscribe")) {
                        subscribed(commands.get(said.path("id").asInt()), said.path("subscribe"), connection);
                    } else if (push.has("subscribe")) {
                        subscribed(channel, push.path("subscribe"), connection);
                    } else if (push.has("pub")) {
                        published(channel, push.path("pub"), connection);
                    } else if (push.path("unsubscribe").path("code").asInt() == INSUFFICIENT_STATE) {
                        connection.unsubscribed(channel);
                        if (channels.contains(channel)) {
                            subscribe(channel, connection);
                        }
                    } else if (push.has("message")) {
                        told(push.path("message").path("data"), connection);
                    } else {
                        connection.surprised(user + " was told " + line);
                    }
                }
            }

            @Override
            public boolean isPositioned() {
                return positions.size() > channels.size()
                        && positions.values().stream()
                                .noneMatch(position ->
                                        position.path("epoch").asText().equals(NO_EPOCH));
            }

            private void subscribed(String channel, JsonNode start, Connection connection) {
                boolean asked = positions.containsKey(channel);
                if (asked != start.has("was_recovering")) {
                    connection.surprised(
                            (asked ? "asked to recover, " : "asked for nothing, ") + user + " was told " + start);
                }
                positions.put(
                        channel,
                        JSON.createObjectNode()
                                .put("recover", true)
                                .put("epoch", start.path("epoch").asText())
                                .put("offset", start.path("offset").asLong()));
                connection.subscribed(
                        channel,
                        false,
                        asked ? Optional.of(start.path("recovered").asBoolean()) : Optional.empty());
                start.path("publications").forEach(publication -> published(channel, publication, connection));
            }

            private void published(String channel, JsonNode publication, Connection connection) {
                if (publication.has("offset")) {
                    positions.get(channel).set("offset", publication.path("offset"));
                }
                connection.published(publication.path("data").toString());
            }

            private void told(JsonNode message, Connection connection) {
                if (message.path("action").asText().equals("missed")) {
                    connection.missed(
                            message.path("channel").asText(),
                            message.path("count").asInt());
                }
            }
        }

        private static void control(Frame frame, String user, String message, Connection connection) {
            JsonNode said = frame.header();
            switch (frame.action()) {
                case "auth_success", "subscribed" ->
                    connection.subscribed(
                            frame.channel(),
                            said.path("retained").asBoolean(),
                            said.has("recovered") ? Optional.of(frame.isRecovered()) : Optional.empty());
                case "missed" ->
                    connection.missed(frame.channel(), said.path("count").asInt());
                case "gap" ->
                    connection.gap(
                            Optional.of(frame.channel()).filter(channel -> !channel.isEmpty()),
                            said.path("since").asText(),
                            Optional.of(said.path("until"))
                                    .filter(JsonNode::isTextual)
                                    .map(JsonNode::asText));
                case "ping" -> connection.say(PONG);
                default -> connection.surprised(user + " was told " + message);
            }
        }
    }
}
