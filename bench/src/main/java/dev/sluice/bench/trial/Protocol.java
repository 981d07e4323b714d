package dev.sluice.bench.trial;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.bench.account.Books;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.trial.Publisher.Numbered;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.ResumingClient.Frame;
import java.util.List;
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
    }

    /** A connection of a client, which sends messages and logs what the client got. */
    interface Connection {

        void say(String message);

        void published(String payload);

        /** The client got a publication again, and dropped it. */
        void repeated();

        /** @param resumption whether the server resumed it, if the client asked for that */
        void subscribed(String channel, boolean retained, Optional<Boolean> resumption);

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
        V1(Optional.empty()) {
            @Override
            public Client client(String user, Set<String> channels) {
                return new V1Client(user, subscribable(channels));
            }
        },

        V2(Optional.of(ResumingClient.SUBPROTOCOL)) {
            @Override
            public Client client(String user, Set<String> channels) {
                return new V2Client(user, new ResumingClient(user, subscribable(channels)));
            }
        };

        private static final ObjectMapper JSON = new ObjectMapper();
        private static final String PONG = "{\"action\":\"pong\"}";

        private final Optional<String> subprotocol;

        SluiceProtocol(Optional<String> subprotocol) {
            this.subprotocol = subprotocol;
        }

        @Override
        public String path() {
            return "/ws";
        }

        @Override
        public Optional<String> subprotocol() {
            return subprotocol;
        }

        @Override
        public boolean resumes() {
            return this == V2;
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

            private static JsonNode parse(String message) {
                try {
                    return JSON.readTree(message);
                } catch (JsonProcessingException e) {
                    throw new IllegalArgumentException("not JSON: " + message, e);
                }
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
