package dev.sluice.redis;

import dev.sluice.config.SluiceConfig;
import io.quarkus.arc.InjectableInstance;
import io.quarkus.redis.client.RedisClientName;
import io.quarkus.redis.client.RedisOptionsCustomizer;
import io.quarkus.redis.runtime.client.config.RedisConfig;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisClientType;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Creates connections to Redis with the settings of Quarkus's default client. Each has its own client, because only
 * closing the client aborts a hanging connection attempt.
 */
@Singleton
public final class CommandConnectionFactory implements RedisOptionsCustomizer {

    private final Instance<Vertx> vertx;
    private final Duration reconnect;
    private final List<CommandConnection> open = new CopyOnWriteArrayList<>();
    private volatile @Nullable RedisOptions options;
    private @Nullable ClusterNodes nodes;

    CommandConnectionFactory(
            // Injected only so that Quarkus reads its configuration.
            @RedisClientName(RedisConfig.DEFAULT_CLIENT_NAME) InjectableInstance<Redis> configured,
            // Lazy, because Vert.x does not exist yet at this point.
            Instance<Vertx> vertx,
            SluiceConfig config) {
        this.vertx = vertx;
        this.reconnect = config.canary().reconnect();
    }

    /** Quarkus calls this once it has read the configuration of a client. */
    @Override
    public void customize(String client, RedisOptions configured) {
        if (RedisConfig.isDefaultClient(client)) {
            ClientTypeCheck.check(client, configured);
            HostnameVerification.normalize(configured);
            UserPassword.complete(configured);
            options = new RedisOptions(configured);
        }
    }

    /**
     * Creates a connection for the caller's exclusive use, which opens with the first command.
     *
     * @param timeout for the response to a command
     */
    public CommandConnection open(Duration timeout) {
        CommandConnection connection = isCluster()
                ? new ClusterConnection(vertx.get(), nodes(), timeout, reconnect)
                : new ServerConnection(vertx.get(), vertx.get().getOrCreateContext(), server(), timeout, reconnect);
        open.add(connection);
        return connection;
    }

    /** Without an address there are no options, and the feed fails the start with a message that names the key. */
    private boolean isCluster() {
        RedisOptions configured = options;
        return configured != null && configured.getType() == RedisClientType.CLUSTER;
    }

    /** Returns the nodes, which all connections share. */
    private synchronized ClusterNodes nodes() {
        ClusterNodes shared = nodes;
        if (shared == null) {
            shared = new ClusterNodes(vertx.get(), Objects.requireNonNull(options), reconnect);
            nodes = shared;
        }
        return shared;
    }

    @PreDestroy
    void stop() {
        open.forEach(CommandConnection::close);
    }

    private ServerConnection.Clients server() {
        return new ServerConnection.Clients() {
            @Override
            public Redis create() {
                return Redis.createClient(vertx.get(), new RedisOptions(Objects.requireNonNull(options)));
            }

            @Override
            public Future<RedisConnection> check(RedisConnection connection) {
                return MasterCheck.check(connection);
            }
        };
    }
}
