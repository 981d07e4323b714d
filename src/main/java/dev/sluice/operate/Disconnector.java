package dev.sluice.operate;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.control.DisconnectUser;
import dev.sluice.fleet.Answers;
import dev.sluice.fleet.Fleet;
import dev.sluice.outbox.Disconnect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.Set;

/** Closes a user's connections on this pod, on request of an operator or of another pod. */
@Singleton
final class Disconnector {

    private static final String CLOSED = "closed";

    private final Registry registry;
    private final Fleet fleet;

    Disconnector(Registry registry, Fleet fleet) {
        this.registry = registry;
        this.fleet = fleet;
    }

    /** Closes the user's connections, and returns their number. Does not affect later connections. */
    int disconnect(String user) {
        Set<Connection> connections = registry.connections(user).keySet();
        connections.forEach(connection -> connection.loop().execute(() -> connection.disconnect(Disconnect.OPERATOR)));
        return connections.size();
    }

    /** Closes the user's connections on all pods; fails if Redis does not confirm. */
    Uni<Answers> disconnectEverywhere(String user, int closedHere) {
        return fleet.disconnect(user, closed(closedHere));
    }

    /** Returns the number of closed connections. */
    static long closed(Answers answers) {
        return answers.sum(CLOSED);
    }

    void asked(@Observes DisconnectUser command) {
        if (command.own()) {
            return;
        }
        int closed = disconnect(command.user());
        if (command.id() != null) {
            fleet.answer(command.id(), closed(closed));
        }
    }

    private static ObjectNode closed(int count) {
        return JsonNodeFactory.instance.objectNode().put(CLOSED, count);
    }
}
