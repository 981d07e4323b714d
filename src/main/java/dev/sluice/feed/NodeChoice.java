package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the node of a Redis Cluster to which this pod subscribes; every node passes on the publications of all. All
 * pods choose in the same order, because only pods that subscribe to the same node have an order of publications in
 * common. Confined to the feed's thread.
 */
final class NodeChoice {

    private final LogThrottle unreached = new LogThrottle();
    private @Nullable String id;
    private boolean failed;

    /** Returns when to log that masters can't be reached. */
    LogThrottle unreached() {
        return unreached;
    }

    /** The subscription to the chosen node has failed, so the next one is to another node. */
    void failed() {
        failed = true;
    }

    /** Returns the node that was chosen last, or the next master if that one failed or is no master any more. */
    Master choose(ClusterTopology topology) {
        List<Master> masters = topology.masters();
        String last = id == null ? "" : id;
        int least = failed ? 1 : 0;
        Master chosen = masters.stream()
                .filter(master -> master.id().compareTo(last) >= least)
                .findFirst()
                .orElse(masters.get(0));
        id = chosen.id();
        failed = false;
        return chosen;
    }
}
