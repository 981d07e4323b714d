package dev.sluice.publish;

import dev.sluice.config.SluiceConfig;
import dev.sluice.redis.CommandConnection;
import dev.sluice.redis.CommandConnectionFactory;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;

/** Publishes bytes to Redis, unchanged. Callers bound the number of simultaneous calls. */
@Startup
@Singleton
public final class Publisher {

    private final CommandConnection redis;

    Publisher(CommandConnectionFactory connections, SluiceConfig config) {
        this.redis = connections.open(config.publish().timeout());
    }

    /**
     * Publishes a payload, and returns the number of subscribers that received it, within {@code
     * sluice.publish.timeout}. Without a confirmation by Redis it fails with {@link NotConfirmed}, and may still have
     * published it. May be called, and completes, on any thread.
     *
     * @param payload must not change any more
     */
    public Uni<Long> publish(String channel, byte[] payload) {
        return redis.send(Request.cmd(Command.PUBLISH)
                        .arg(Buffer.buffer(channel.getBytes(StandardCharsets.UTF_8)))
                        .arg(Buffer.buffer(payload)))
                .map(Response::toLong)
                .onFailure()
                .transform(NotConfirmed::new);
    }
}
