package dev.sluice.redis;

import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;

/**
 * Refuses connections to a Redis that is no master. What is published on a replica reaches that replica's subscribers
 * only, and what is published on its master reaches the replica's subscribers only for as long as it has one.
 */
public final class MasterCheck {

    private MasterCheck() {}

    /**
     * The connection, once Redis has said that it is a master or has refused to say what it is, as it does where the ACL
     * user lacks {@code +role}. Fails with {@link NotMasterException} where it says that it is something else.
     */
    public static Future<RedisConnection> check(RedisConnection connection) {
        return connection
                .send(Request.cmd(Command.ROLE))
                .recover(failure ->
                        failure instanceof Response ? Future.succeededFuture() : Future.failedFuture(failure))
                .compose(role -> switch (name(role)) {
                    case "slave", "replica" ->
                        Future.failedFuture(new NotMasterException("a replica", "the address of the master"));
                    case "sentinel" ->
                        Future.failedFuture(
                                new NotMasterException("a sentinel", "quarkus.redis.client-type=sentinel as well"));
                    default -> Future.succeededFuture(connection);
                });
    }

    private static String name(Response role) {
        return role != null && role.type() == ResponseType.MULTI && role.size() > 0
                ? role.get(0).toString()
                : "";
    }
}
