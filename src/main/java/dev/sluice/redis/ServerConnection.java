package dev.sluice.redis;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Sends commands to one server over one connection, which it opens on demand and replaces when Redis does not answer. It
 * also replaces the connection every {@code sluice.canary.reconnect}, because the configured name may resolve to
 * another server by then while the old one still answers. Quarkus's data source can't do that: its pool keeps a
 * connection as long as it is in use, regardless of {@code pool-recycle-timeout} ({@code
 * RedisAddressIT.busyCommandConnectionFollowsTheAddress} fails with it). Callers must limit the number of simultaneous
 * commands. Thread-safe.
 */
final class ServerConnection implements CommandConnection {

    /** Makes clients of the server. */
    interface Clients {
        Redis create();

        /** Completes with the connection if it may be used. */
        Future<RedisConnection> check(RedisConnection connection);
    }

    private final Vertx vertx;
    private final Clients clients;
    private final Duration timeout;
    private final Duration reconnect;
    private final Context context;

    private @Nullable OpenConnection current;
    /** Replaces {@code current} once it is connected. */
    private @Nullable OpenConnection next;

    /**
     * Creates a connection that opens with the first command.
     *
     * @param context the only one that uses the connections
     * @param timeout for the response to a command
     * @param reconnect the time after which a connection is replaced, or closed if unused
     */
    ServerConnection(Vertx vertx, Context context, Clients clients, Duration timeout, Duration reconnect) {
        this.vertx = vertx;
        this.clients = clients;
        this.timeout = timeout;
        this.reconnect = reconnect;
        this.context = context;
    }

    @Override
    public Uni<Response> send(Request request) {
        return Uni.createFrom().completionStage(() -> {
            Promise<Response> answer = Promise.promise();
            context.runOnContext(x -> ask(request).onComplete(answer));
            return answer.future().toCompletionStage();
        });
    }

    @Override
    public Uni<Response> send(String key, Request request) {
        return send(request);
    }

    @Override
    public void close() {
        context.runOnContext(x -> {
            for (OpenConnection open : Arrays.asList(next, current)) {
                if (open != null) {
                    open.close();
                }
            }
            next = null;
            current = null;
        });
    }

    /** Sends a command. To be called on the context. */
    Future<Response> ask(Request request) {
        Promise<Response> answer = Promise.promise();
        OpenConnection connection;
        try {
            connection = connection();
        } catch (RuntimeException e) {
            return Future.failedFuture(e);
        }
        long timer = vertx.setTimer(timeout.toMillis(), fired -> {
            if (answer.tryFail("no answer within " + timeout)) {
                drop(connection);
            }
        });
        connection.send(request).onComplete(result -> {
            vertx.cancelTimer(timer);
            if (result.succeeded()) {
                answer.tryComplete(result.result());
            } else {
                answer.tryFail(result.cause());
                if (!(result.cause() instanceof Response)) {
                    // The connection failed; a {@code Response} would be an error reply of Redis.
                    context.runOnContext(y -> drop(connection));
                }
            }
        });
        return answer.future();
    }

    private OpenConnection connection() {
        OpenConnection connection = current;
        if (connection == null) {
            connection = connect();
            use(connection);
        }
        return connection;
    }

    private OpenConnection connect() {
        return new OpenConnection(
                clients.create(), clients::check, context, ended -> context.runOnContext(x -> drop(ended)));
    }

    private void use(OpenConnection fresh) {
        current = fresh;
        vertx.setTimer(reconnect.toMillis(), fired -> context.runOnContext(x -> renew(fresh)));
    }

    private void renew(OpenConnection old) {
        if (current != old || next != null) {
            return;
        }
        if (!old.wasUsed()) {
            retire();
            return;
        }
        OpenConnection fresh = connect();
        next = fresh;
        vertx.setTimer(timeout.toMillis(), fired -> context.runOnContext(x -> giveUp(fresh)));
        fresh.connected()
                .onComplete(connected -> context.runOnContext(x -> {
                    if (connected.succeeded() && next == fresh) {
                        next = null;
                        retire();
                        use(fresh);
                    } else if (connected.cause() instanceof NotMasterException) {
                        // The address now leads to a replica, so the present connection may be to a former master.
                        retire();
                    }
                }));
    }

    private void retire() {
        if (current != null) {
            current.retire();
            current = null;
        }
    }

    /** Keeps the present connection if the new one does not connect in time. */
    private void giveUp(OpenConnection fresh) {
        if (next == fresh) {
            drop(fresh);
        }
    }

    private void drop(OpenConnection ended) {
        ended.close();
        if (next == ended) {
            next = null;
            if (current != null) {
                use(current);
            }
        } else if (current == ended) {
            current = null;
        }
    }
}
