package dev.sluice.publish;

import io.quarkus.arc.InjectableInstance;
import io.quarkus.redis.client.RedisClientName;
import io.quarkus.redis.runtime.client.config.RedisConfig;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Response;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Publishes to Redis, bytes as they are, on one connection that is made when it is needed and replaced when it does not
 * answer. Bounding how much is under way at once is up to those who use it.
 */
@Startup
@Singleton
public final class Publisher {

    private final PublishRedis redis;
    private final Vertx vertx;
    private final Duration timeout;
    /** Where the line is used, and nowhere else. */
    private final Context context;

    private @Nullable Line line;

    Publisher(
            // Asked for so that Quarkus reads its configuration.
            @RedisClientName(RedisConfig.DEFAULT_CLIENT_NAME) InjectableInstance<Redis> configured,
            PublishRedis redis,
            Vertx vertx,
            PublishConfig config) {
        this.redis = redis;
        this.vertx = vertx;
        this.timeout = config.timeout();
        if (timeout.toMillis() < 1) {
            throw new ConfigurationException("sluice.publish.timeout must be at least 1 ms, is " + timeout);
        }
        this.context = vertx.getOrCreateContext();
    }

    /**
     * How many subscribers Redis has given the payload to, within {@code sluice.publish.timeout}. Where Redis does not
     * say so it fails with {@link NotConfirmed}, and may have published it nevertheless. May be called, and completes, on
     * any thread.
     *
     * @param payload must not change any more
     */
    public Uni<Long> publish(String channel, byte[] payload) {
        return Uni.createFrom()
                .completionStage(() -> send(channel, payload).toCompletionStage())
                .onFailure()
                .transform(NotConfirmed::new);
    }

    private Future<Long> send(String channel, byte[] payload) {
        Promise<Long> confirmed = Promise.promise();
        Buffer name = Buffer.buffer(channel.getBytes(StandardCharsets.UTF_8));
        context.runOnContext(x -> {
            Line current = line();
            long timer = vertx.setTimer(timeout.toMillis(), fired -> {
                if (confirmed.tryFail("no answer within " + timeout)) {
                    drop(current);
                }
            });
            current.publish(name, Buffer.buffer(payload)).onComplete(result -> {
                vertx.cancelTimer(timer);
                if (result.succeeded()) {
                    confirmed.tryComplete(result.result());
                } else {
                    confirmed.tryFail(result.cause());
                    if (!(result.cause() instanceof Response)) {
                        // Not Redis itself has refused it.
                        context.runOnContext(y -> drop(current));
                    }
                }
            });
        });
        return confirmed.future();
    }

    private Line line() {
        Line current = line;
        if (current == null) {
            current = new Line(redis.create(vertx), ended -> context.runOnContext(x -> drop(ended)));
            line = current;
        }
        return current;
    }

    private void drop(Line ended) {
        ended.close();
        if (line == ended) {
            line = null;
        }
    }

    @PreDestroy
    void stop() {
        context.runOnContext(x -> {
            if (line != null) {
                drop(line);
            }
        });
    }
}
