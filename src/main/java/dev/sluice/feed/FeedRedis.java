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
 * Makes Redis clients as Quarkus has configured the feed's. Each link gets one to itself, because closing the client is
 * all that ends a handshake that hangs or has failed: the pool of a client that lived on would keep such a connection for
 * ever, and in the end have none left to give.
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

    /** Where it is, for people. */
    String endpoints() {
        return RedisEndpoint.of(Objects.requireNonNull(options));
    }

    /**
     * A client to subscribe with that nobody else uses, on the caller's Vert.x context, always the same one; to be closed
     * by the caller.
     *
     * @param initializer told of the pipeline of each connection it makes
     */
    Redis subscriber(Vertx vertx, Consumer<ChannelPipeline> initializer) {
        return Redis.createClient(new DecodingVertx(vertx, initializer), rotated(subscribers++));
    }

    /** A client to publish with, likewise. */
    Redis publisher(Vertx vertx) {
        // The subscriber listens to the sentinels already, and a new client asks them for the master.
        return Redis.createClient(vertx, rotated(publishers++).setAutoFailover(false));
    }

    private RedisOptions rotated(int distance) {
        RedisOptions own = new RedisOptions(Objects.requireNonNull(options));
        // A sentinel that hangs must not be the first to be asked for ever.
        List<String> endpoints = new ArrayList<>(own.getEndpoints());
        Collections.rotate(endpoints, distance);
        return own.setEndpoints(endpoints);
    }
}
