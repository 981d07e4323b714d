package dev.sluice.redis;

import io.quarkus.redis.runtime.client.config.RedisConfig;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.vertx.redis.client.RedisClientType;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.RedisRole;
import java.util.Locale;

/** Refuses Redis settings with which a subscription may miss publications, because it is on another node. */
public final class ClientTypeCheck {

    private ClientTypeCheck() {}

    /**
     * Throws, naming the key, if the client type is replication, or the role of a sentinel's client is not master.
     *
     * @param client the name of the Redis client
     */
    public static void check(String client, RedisOptions options) {
        RedisClientType type = options.getType();
        if (type == RedisClientType.REPLICATION) {
            throw new ConfigurationException(key(client, "client-type") + " replication"
                    + " is not supported: a subscription may be on another node than the publications and receive"
                    + " none; use standalone with the address of the master, sentinel, or cluster");
        }
        if (type == RedisClientType.SENTINEL && options.getRole() != RedisRole.MASTER) {
            throw new ConfigurationException(key(client, "role") + " must be master, is "
                    + options.getRole().name().toLowerCase(Locale.ROOT)
                    + ": a publication on another node does not reach all subscribers");
        }
    }

    /** Returns the key, and the key of a named client, which inherits the default client's settings. */
    private static String key(String client, String name) {
        String key = "quarkus.redis." + name;
        return RedisConfig.isDefaultClient(client) ? key : key + " (or quarkus.redis." + client + "." + name + ")";
    }
}
