package dev.sluice.feed;

import dev.sluice.redis.ClientTypeCheck;
import dev.sluice.redis.ClusterNodes;
import dev.sluice.redis.HostnameVerification;
import dev.sluice.redis.UserPassword;
import io.netty.channel.ChannelPipeline;
import io.quarkus.redis.client.RedisOptionsCustomizer;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisClientType;
import io.vertx.redis.client.RedisOptions;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes Redis clients with Quarkus's configuration of the feed's client, one for each connection. Only closing the
 * client ends a connection attempt that hangs or has failed; the pool of a shared client would keep such connections
 * until it has none left.
 */
@Singleton
final class FeedRedis implements RedisOptionsCustomizer {

    private volatile @Nullable RedisOptions options;
    private int subscribers;
    private int publishers;

    /** Called by Quarkus once it has read the configuration of a client. */
    @Override
    public void customize(String client, RedisOptions configured) {
        if (client.equals(Feed.CLIENT)) {
            ClientTypeCheck.check(client, configured);
            HostnameVerification.normalize(configured);
            UserPassword.complete(configured);
            options = new RedisOptions(configured);
        }
    }

    /** Returns the address for logs, without user and password. */
    String endpoints() {
        return RedisEndpoint.of(Objects.requireNonNull(options));
    }

    /** Returns the number of the selected database. */
    int database() {
        return RedisEndpoint.database(Objects.requireNonNull(options));
    }

    /** Returns the factory of clients. Vert.x is not injected, because Quarkus calls {@link #customize} earlier. */
    RedisSubscription.Clients clients(Vertx vertx) {
        return new RedisSubscription.Clients() {
            @Override
            public Redis subscriber(Consumer<ChannelPipeline> initializer) {
                return Redis.createClient(new DecodingVertx(vertx, initializer), rotated(subscribers++));
            }

            @Override
            public BeatConnection beats(
                    String channel, @Nullable ClockChannel ticks, Context context, BeatConnection.Listener listener) {
                // The subscriber already listens to the sentinels, and a new client asks them for the master.
                Redis client = Redis.createClient(vertx, rotated(publishers++).setAutoFailover(false));
                return new BeatPublisher(client, channel, ticks, null, context, listener);
            }
        };
    }

    /** Whether Redis is a Redis Cluster. */
    boolean isCluster() {
        RedisOptions configured = options;
        return configured != null && configured.getType() == RedisClientType.CLUSTER;
    }

    /** Returns the nodes of the Redis Cluster. */
    ClusterNodes nodes(Vertx vertx, Duration maxAge) {
        return new ClusterNodes(vertx, Objects.requireNonNull(options), maxAge);
    }

    private RedisOptions rotated(int distance) {
        RedisOptions own = new RedisOptions(Objects.requireNonNull(options));
        // A sentinel that hangs must not be asked first each time.
        List<String> endpoints = new ArrayList<>(own.getEndpoints());
        Collections.rotate(endpoints, distance);
        return own.setEndpoints(endpoints);
    }
}
