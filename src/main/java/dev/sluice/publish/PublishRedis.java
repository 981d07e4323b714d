package dev.sluice.publish;

import io.quarkus.redis.client.RedisOptionsCustomizer;
import io.quarkus.redis.runtime.client.config.RedisConfig;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import jakarta.inject.Singleton;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes Redis clients as Quarkus has configured the default one. That one itself will not do: closing the client is all
 * that ends a connection that hangs, and its pool would keep handing that out.
 */
@Singleton
final class PublishRedis implements RedisOptionsCustomizer {

    private volatile @Nullable RedisOptions options;

    /** Called by Quarkus once it has read the configuration of a client. */
    @Override
    public void customize(String client, RedisOptions configured) {
        if (RedisConfig.isDefaultClient(client)) {
            options = new RedisOptions(configured);
        }
    }

    /** A client that nobody else uses, to be closed by the caller. */
    Redis create(Vertx vertx) {
        return Redis.createClient(vertx, new RedisOptions(Objects.requireNonNull(options)));
    }
}
