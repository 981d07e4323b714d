package dev.sluice.operate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.fleet.AnswerBuilder;
import dev.sluice.fleet.Answers;
import dev.sluice.fleet.Fleet;
import dev.sluice.fleet.Responder;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Singleton;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;

/** Asks the pods for a user's connections, and answers for this pod. */
@Singleton
final class UserResponder implements Responder {

    /** The number of a user's connections to one pod. */
    static final String CONNECTIONS = "connections";

    static final String LIST = "list";
    static final String SINCE = "since";
    static final String CHANNELS = "channels";

    private static final String KIND = "user";
    private static final String USER = "user";

    /** The channels shown for one connection. */
    private static final int MAX_CHANNELS = 32;

    private final Registry registry;

    UserResponder(Registry registry) {
        this.registry = registry;
    }

    /**
     * Asks for the user's connections.
     *
     * @param list whether to list them, or only to count them
     */
    static Uni<Answers> ask(Fleet fleet, String user, boolean list) {
        return fleet.ask(
                KIND, JsonNodeFactory.instance.objectNode().put(USER, user).put(LIST, list));
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public void answer(JsonNode question, AnswerBuilder answer) {
        Map<Connection, List<Channel>> connections =
                registry.connections(question.path(USER).asText());
        answer.content().put(CONNECTIONS, connections.size());
        if (question.path(LIST).asBoolean()) {
            for (Map.Entry<Connection, List<Channel>> connection : connections.entrySet()) {
                if (!answer.add(LIST, one(connection.getKey(), connection.getValue()))) {
                    return;
                }
            }
        }
    }

    private static ObjectNode one(Connection connection, List<Channel> channels) {
        ObjectNode one = JsonNodeFactory.instance
                .objectNode()
                .put(SINCE, connection.since().truncatedTo(ChronoUnit.MILLIS).toString());
        channels.stream()
                .limit(MAX_CHANNELS)
                .forEach(channel -> one.withArrayProperty(CHANNELS).add(channel.name()));
        if (channels.size() > MAX_CHANNELS) {
            one.put(AnswerBuilder.CUT, true);
        }
        return one;
    }
}
