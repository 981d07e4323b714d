package dev.sluice.redis;

import io.vertx.core.Future;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import org.jspecify.annotations.Nullable;

/** Sends commands without which a connection can be used, because an ACL user lacks the right, or a service does not offer them. */
public final class OptionalCommand {

    private OptionalCommand() {}

    /**
     * Returns the reply, or {@code null} if Redis does not permit or does not know the command. Fails with any other error, such
     * as {@code LOADING} or {@code BUSY}, after which Redis may answer the same command.
     */
    public static Future<@Nullable Response> send(RedisConnection connection, Request request) {
        return connection
                .send(request)
                .recover(failure -> isRefusal(failure) ? Future.succeededFuture() : Future.failedFuture(failure));
    }

    private static boolean isRefusal(Throwable failure) {
        String error = failure instanceof Response ? String.valueOf(failure.getMessage()) : "";
        return error.startsWith("NOPERM") || error.startsWith("ERR ");
    }
}
