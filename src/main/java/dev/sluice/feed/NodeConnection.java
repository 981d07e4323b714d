package dev.sluice.feed;

import dev.sluice.redis.ClusterTopology;
import java.util.function.Consumer;

/** Publishes beats on a node of a Redis Cluster. Confined to the feed's thread. */
interface NodeConnection extends BeatConnection {

    /** Asks the node which masters it knows, once the connection is made. A failure ends the connection. */
    void ask(Consumer<ClusterTopology> onReply);

    /** Connects to nodes. */
    @FunctionalInterface
    interface Connector {

        /** Starts to connect; the listener is called later. */
        NodeConnection connect(ClusterTopology.Master node, BeatConnection.Listener listener);
    }
}
