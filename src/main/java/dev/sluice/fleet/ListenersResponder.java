package dev.sluice.fleet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** Asks the pods who listens to a channel, and answers for this pod. */
@Singleton
public final class ListenersResponder implements Responder {

    /** How long event loops may take to tell of their connections. */
    private static final long LOOPS_MILLIS = 300;

    private static final String KIND = "channel";
    private static final String CHANNEL = "channel";
    private static final String BY_CLIENT = "by_client";
    private static final String CONNECTIONS = "connections";
    private static final String USERS = "users";
    private static final String NAMES = "names";
    private static final String CLIENTS = "clients";
    private static final String CLIENT = "client";
    private static final String USER = "user";

    private final Fleet fleet;
    private final Registry registry;
    private final Routes routes;

    @Inject
    ListenersResponder(Fleet fleet, Registry registry, Routes routes) {
        this.fleet = fleet;
        this.registry = registry;
        this.routes = routes;
    }

    /**
     * Asks who listens to the channel. Completes and fails as {@link Fleet#ask} does.
     *
     * @param byClient whether to list the connections, or only the users
     */
    public Uni<Listeners> ask(Channel channel, boolean byClient) {
        return fleet.ask(KIND, question(channel, byClient)).map(ListenersResponder::listeners);
    }

    /** The same for a client, which gets only a part of the questions. */
    public Uni<Listeners> askForClient(Channel channel, boolean byClient) {
        return fleet.askForClient(KIND, question(channel, byClient)).map(ListenersResponder::listeners);
    }

    private static ObjectNode question(Channel channel, boolean byClient) {
        return JsonNodeFactory.instance
                .objectNode()
                .put(CHANNEL, channel.name())
                .put(BY_CLIENT, byClient);
    }

    static Listeners listeners(Answers answers) {
        long users = 0;
        Set<String> names = new TreeSet<>();
        Map<String, String> clients = new LinkedHashMap<>();
        for (Answers.Answer answer : answers.list()) {
            users += answer.content().path(USERS).asLong();
            for (JsonNode name : answer.content().path(NAMES)) {
                if (!names.add(name.asText())) {
                    users--;
                }
            }
            for (JsonNode client : answer.content().path(CLIENTS)) {
                clients.put(client.path(CLIENT).asText(), client.path(USER).asText());
            }
        }
        return new Listeners(
                answers.sum(CONNECTIONS), users, names, clients, answers.cut(), answers.scope(), answers.pods());
    }

    /** Fails if an event loop does not answer, so that this pod is missing rather than wrong. */
    private List<Connection> listening(Channel channel) {
        try {
            return registry.listening(channel).get(LOOPS_MILLIS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("an event loop did not answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public void answer(JsonNode question, AnswerBuilder answer) {
        Channel channel = routes.resolve(question.path(CHANNEL).asText());
        List<Connection> connections = channel == null ? List.of() : listening(channel);
        Set<String> users = connections.stream().map(Connection::user).collect(Collectors.toSet());
        answer.content().put(CONNECTIONS, connections.size()).put(USERS, users.size());
        if (question.path(BY_CLIENT).asBoolean()) {
            for (Connection connection : connections) {
                ObjectNode client = JsonNodeFactory.instance
                        .objectNode()
                        .put(CLIENT, connection.id())
                        .put(USER, connection.user());
                if (!answer.add(CLIENTS, client)) {
                    return;
                }
            }
        } else {
            for (String user : users) {
                if (!answer.add(NAMES, TextNode.valueOf(user))) {
                    return;
                }
            }
        }
    }
}
