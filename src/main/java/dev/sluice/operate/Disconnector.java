package dev.sluice.operate;

import dev.sluice.control.DisconnectUser;
import dev.sluice.outbox.Disconnect;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.Set;

/** Closes a user's connections on this pod, on request of an operator or of another pod. */
@Singleton
final class Disconnector {

    private final Registry registry;

    Disconnector(Registry registry) {
        this.registry = registry;
    }

    /** Closes the user's connections, and returns their number. Does not affect later connections. */
    int disconnect(String user) {
        Set<Connection> connections = registry.connections(user).keySet();
        connections.forEach(connection -> connection.loop().execute(() -> connection.disconnect(Disconnect.OPERATOR)));
        return connections.size();
    }

    void asked(@Observes DisconnectUser command) {
        disconnect(command.user());
    }
}
