package dev.sluice.operate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.fleet.AnswerBuilder;
import dev.sluice.fleet.Answers;
import dev.sluice.fleet.Fleet;
import dev.sluice.fleet.Responder;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Singleton;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Asks the pods who listens to a channel, and answers for this pod. */
@Singleton
final class ChannelResponder implements Responder {

    /** The number of connections to one pod that listen. */
    static final String CONNECTIONS = "connections";

    private static final String KIND = "channel";
    private static final String CHANNEL = "channel";
    private static final String USERS = "users";
    private static final String NAMES = "names";

    private final Registry registry;
    private final Routes routes;

    ChannelResponder(Registry registry, Routes routes) {
        this.registry = registry;
        this.routes = routes;
    }

    /** Asks who listens to the channel. */
    static Uni<Answers> ask(Fleet fleet, Channel channel) {
        return fleet.ask(KIND, JsonNodeFactory.instance.objectNode().put(CHANNEL, channel.name()));
    }

    /**
     * Returns how many users listen. Users who listen on several pods count once, if the pods' lists of names are
     * complete.
     */
    static long users(Answers answers) {
        long users = 0;
        Set<String> known = new HashSet<>();
        for (Answers.Answer answer : answers.list()) {
            users += answer.content().path(USERS).asLong();
            for (JsonNode name : answer.content().path(NAMES)) {
                if (!known.add(name.asText())) {
                    users--;
                }
            }
        }
        return users;
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public void answer(JsonNode question, AnswerBuilder answer) {
        Channel channel = routes.resolve(question.path(CHANNEL).asText());
        List<Connection> connections = channel == null ? List.of() : registry.hearing(channel);
        Set<String> users = connections.stream().map(Connection::user).collect(Collectors.toSet());
        answer.content().put(CONNECTIONS, connections.size()).put(USERS, users.size());
        for (String user : users) {
            if (!answer.add(NAMES, TextNode.valueOf(user))) {
                return;
            }
        }
    }
}
