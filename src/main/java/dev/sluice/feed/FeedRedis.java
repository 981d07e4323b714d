package dev.sluice.feed;

import dev.sluice.redis.ClientTypeCheck;
import dev.sluice.redis.HostnameVerification;
import io.netty.channel.ChannelPipeline;
import io.quarkus.redis.client.RedisOptionsCustomizer;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes Redis clients as Quarkus has configured the feed's, one for each connection: only closing the client ends a
 * connection attempt that hangs or has failed. The pool of a shared client would keep such connections for ever, until it
 * has none left.
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
            options = new RedisOptions(configured);
        }
    }

    /** The address, for people, without user and password. */
    String endpoints() {
        return RedisEndpoint.of(Objects.requireNonNull(options));
    }

    /** The clients' factory. Vert.x is not injected, because Quarkus calls {@link #customize} before it can be. */
    RedisSubscription.Clients clients(Vertx vertx) {
        return new RedisSubscription.Clients() {
            @Override
            public Redis subscriber(Consumer<ChannelPipeline> initializer) {
                return Redis.createClient(new DecodingVertx(vertx, initializer), rotated(subscribers++));
            }

            @Override
            public Redis publisher() {
                // The subscriber listens to the sentinels already, and a new client asks them for the master.
                return Redis.createClient(vertx, rotated(publishers++).setAutoFailover(false));
            }
        };
    }

    private RedisOptions rotated(int distance) {
        RedisOptions own = new RedisOptions(Objects.requireNonNull(options));
        // So that a sentinel that hangs is not asked first each time.
        List<String> endpoints = new ArrayList<>(own.getEndpoints());
        Collections.rotate(endpoints, distance);
        return own.setEndpoints(endpoints);
    }
}
