package dev.sluice.bench.resume;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.trial.Protocol;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Socket.IO's protocol over WebSockets, as its own client speaks it. Publishers write entries to the stream of the Redis streams adapter, as
 * another Socket.IO server would.
 */
record SocketIo() implements Protocol {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** The first characters of a message: the types of the packets of the transport and of Socket.IO. */
    private static final String HANDSHAKE = "0";

    private static final String PING = "2";
    private static final String PONG = "3";
    private static final String CONNECT = "40";
    private static final String EVENT = "42";
    private static final String ANSWER = "43";

    /** The length to which the adapter trims its stream by default. */
    private static final String MAX_LENGTH = "10000";

    @Override
    public String path() {
        return "/socket.io/?EIO=4&transport=websocket";
    }

    @Override
    public Optional<String> subprotocol() {
        return Optional.empty();
    }

    @Override
    public boolean resumes() {
        return true;
    }

    @Override
    public List<String> publish(String channel, String payload) {
        String data = "{\"opts\":{\"rooms\":[\"" + channel + "\"],\"except\":[],\"flags\":{}},"
                + "\"packet\":{\"type\":2,\"data\":[\"message\"," + payload + "],\"nsp\":\"/\"}}";
        return List.of(
                "XADD",
                "socket.io",
                "MAXLEN",
                "~",
                MAX_LENGTH,
                "*",
                "uid",
                "bench",
                "nsp",
                "/",
                "type",
                "3",
                "data",
                data);
    }

    @Override
    public Client client(String user, Set<String> channels) {
        return new SocketIoClient(user, channels);
    }

    /** The server resumes a client by giving it the session that it had. */
    private static final class SocketIoClient implements Client {
        private final String user;
        private final Set<String> channels;
        private String session = "";
        private String offset = "";
        private Optional<Boolean> resumption = Optional.empty();

        private SocketIoClient(String user, Set<String> channels) {
            this.user = user;
            this.channels = new TreeSet<>(channels);
        }

        /** Does nothing: the server sends the first message. */
        @Override
        public void opened(Connection connection) {}

        @Override
        public void heard(String message, Connection connection) {
            if (message.equals(PING)) {
                connection.say(PONG);
            } else if (message.startsWith(EVENT)) {
                JsonNode event = parse(message.substring(EVENT.length()));
                offset = event.path(2).asText();
                connection.published(event.path(1).toString());
            } else if (message.startsWith(CONNECT)) {
                connected(parse(message.substring(CONNECT.length())).path("pid").asText(), connection);
            } else if (message.startsWith(ANSWER)) {
                subscribed(connection);
            } else if (message.startsWith(HANDSHAKE)) {
                connect(connection);
            } else {
                connection.surprised(user + " got " + message);
            }
        }

        private void connect(Connection connection) {
            ObjectNode authentication = JSON.createObjectNode().put("token", Credentials.of(user));
            if (!session.isEmpty()) {
                authentication.put("pid", session);
            }
            if (!offset.isEmpty()) {
                authentication.put("offset", offset);
            }
            connection.say(CONNECT + authentication);
        }

        private void connected(String given, Connection connection) {
            resumption = session.isEmpty() ? Optional.empty() : Optional.of(given.equals(session));
            session = given;
            if (resumption.orElse(false)) {
                subscribed(connection);
            } else {
                ArrayNode names = JSON.createArrayNode();
                channels.forEach(names::add);
                connection.say(
                        EVENT + "0" + JSON.createArrayNode().add("subscribe").add(names));
            }
        }

        private void subscribed(Connection connection) {
            channels.forEach(channel -> connection.subscribed(channel, false, resumption));
        }

        private static JsonNode parse(String json) {
            try {
                return JSON.readTree(json);
            } catch (JsonProcessingException e) {
                throw new IllegalArgumentException("not JSON: " + json, e);
            }
        }
    }
}
