package dev.sluice.redis;

import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which master serves which hash slots, as one node of a Redis Cluster told it.
 *
 * @param masters those with slots, in the order of their IDs, which is the same for all pods
 */
public record ClusterTopology(List<Master> masters) {

    /** The port that a node gives for another if it has none for this kind of connection. */
    private static final int NO_PORT = 0;

    /**
     * A master.
     *
     * @param id the node's ID, which it keeps for ever
     */
    public record Master(String id, String host, int port, List<Range> slots) {

        /** The host and the port. */
        public String address() {
            return ClusterTopology.address(host, Integer.toString(port));
        }

        boolean serves(int slot) {
            return slots.stream().anyMatch(range -> range.first <= slot && slot <= range.last);
        }
    }

    /** Consecutive slots. */
    public record Range(int first, int last) {}

    public ClusterTopology {
        masters = masters.stream().sorted(Comparator.comparing(Master::id)).toList();
    }

    /**
     * Reads the reply to CLUSTER SLOTS.
     *
     * @param asked the host of the node that replied, for nodes that don't know their host
     */
    public static ClusterTopology of(Response reply, String asked) {
        Map<String, Master> masters = new TreeMap<>();
        for (Response part : reply) {
            Range range = new Range(part.get(0).toInteger(), part.get(1).toInteger());
            Response node = part.get(2);
            int port = node.get(1).toInteger();
            if (port == NO_PORT) {
                continue;
            }
            String id = node.size() > 2 ? node.get(2).toString() : node.get(0) + ":" + port;
            String host = host(node.get(0), asked);
            List<Range> slots =
                    masters.containsKey(id) ? new ArrayList<>(masters.get(id).slots()) : new ArrayList<>();
            slots.add(range);
            masters.put(id, new Master(id, host, port, List.copyOf(slots)));
        }
        return new ClusterTopology(List.copyOf(masters.values()));
    }

    private static String host(@Nullable Response told, String asked) {
        boolean known = told != null && told.type() == ResponseType.BULK;
        return host(known ? Objects.requireNonNull(told).toString() : "", asked);
    }

    /** Returns a host without brackets; that of the node that was asked if it does not know the host. */
    private static String host(String told, String asked) {
        String host = told.isEmpty() || told.equals("?") ? asked : told;
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    /**
     * Returns the {@link Master#address} of the node that a redirection names.
     *
     * @param asked the address of the node that redirects
     */
    static String redirection(String target, String asked) {
        int end = target.lastIndexOf(':');
        String host = host(target.substring(0, end), asked.substring(0, asked.lastIndexOf(':')));
        return address(host, target.substring(end + 1));
    }

    private static String address(String host, String port) {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }

    /** Returns the master that serves the slot; {@code null} if none does. */
    public @Nullable Master of(int slot) {
        for (Master master : masters) {
            if (master.serves(slot)) {
                return master;
            }
        }
        return null;
    }
}
