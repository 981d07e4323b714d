package dev.sluice.feed;

import dev.sluice.config.FeedConfig;
import io.quarkus.runtime.configuration.ConfigurationException;
import java.util.Collection;

/** Refuses settings that do not fit to a Redis Cluster, or need one. */
final class ClusterSettings {

    private ClusterSettings() {}

    /** Throws, naming the keys, if the mode needs a cluster. */
    static void checkMode(FeedConfig.Mode mode, boolean cluster) {
        if (mode == FeedConfig.Mode.SHARDED && !cluster) {
            throw new ConfigurationException(
                    "sluice.feed.mode is sharded, but quarkus.redis.client-type is not cluster");
        }
    }

    /**
     * Throws, naming the key, if there is a stream: a node of a cluster tells only of changes of its own keys.
     *
     * @param prefixes those to listen to
     * @param keyspace what precedes a key in the channel on which Redis tells of the key's changes
     */
    static void checkNoStreams(Collection<String> prefixes, String keyspace) {
        prefixes.stream()
                .filter(prefix -> prefix.startsWith(keyspace))
                .map(prefix -> prefix.substring(keyspace.length()))
                .findAny()
                .ifPresent(route -> {
                    throw new ConfigurationException("sluice.routes." + route
                            + ".source must be pubsub if quarkus.redis.client-type is cluster: a pod subscribes to one"
                            + " node, which does not tell of new entries on other nodes");
                });
    }
}
