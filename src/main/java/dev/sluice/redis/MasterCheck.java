package dev.sluice.redis;

import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import org.jspecify.annotations.Nullable;

/**
 * Refuses connections to a Redis that is not a master. A publication on a replica reaches only that replica's
 * subscribers, and a replica without a connection to its master receives no publications.
 */
public final class MasterCheck {

    private MasterCheck() {}

    /**
     * Completes with the connection if Redis reports the role of a master, or refuses the command because the ACL user
     * lacks {@code +role}. Fails with {@link NotMasterException} if Redis reports another role.
     */
    public static Future<RedisConnection> check(RedisConnection connection) {
        return OptionalCommand.send(connection, Request.cmd(Command.ROLE)).compose(role -> switch (name(role)) {
            case "slave", "replica" ->
                Future.failedFuture(new NotMasterException("a replica", "the address of the master"));
            case "sentinel" ->
                Future.failedFuture(new NotMasterException("a sentinel", "quarkus.redis.client-type=sentinel as well"));
            default -> Future.succeededFuture(connection);
        });
    }

    /** The same for a node of a Redis Cluster. */
    public static Future<RedisConnection> checkNode(RedisConnection connection) {
        return check(connection)
                .recover(failure -> Future.failedFuture(
                        failure instanceof NotMasterException ? NotMasterException.ofNode() : failure));
    }

    private static String name(@Nullable Response role) {
        return role != null && role.type() == ResponseType.MULTI && role.size() > 0
                ? role.get(0).toString()
                : "";
    }
}
