package dev.sluice.registry;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Connections that hear the same channels: those of one user, or a single one. Changed under the registry's lock for the
 * user, while its connections may be read by any thread.
 */
final class Group {

    final List<Connection> connections = new CopyOnWriteArrayList<>();
    final Set<String> channels = new HashSet<>();
}
