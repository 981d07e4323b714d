package dev.sluice.registry;

import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Connections that asked for the same channels: those of one user, or a single one. Used under the registry's lock for
 * the user only.
 */
final class Group {

    final List<Connection> connections = new ArrayList<>(1);
    final Set<Channel> channels = new HashSet<>();
}
