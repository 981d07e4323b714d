package dev.sluice.redis;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends commands to Redis on one connection, which is made when it is needed and replaced when it does not answer. It is
 * also replaced every {@code sluice.canary.reconnect}, because the configured name may lead to another server by now while
 * the old one still answers. Quarkus's data source can't do that: its pool keeps a connection for as long as it is used,
 * whatever {@code pool-recycle-timeout} says ({@code RedisAddressIT.busyCommandConnectionFollowsTheAddress} fails with
 * it). Bounds nothing: callers bound how many commands are under way.
 */
public final class CommandConnection {

    private final Vertx vertx;
    private final Supplier<Redis> clients;
    private final Duration timeout;
    private final Duration reconnect;
    /** The connections are used on this only. */
    private final Context context;

    private @Nullable OpenConnection line;
    /** Replaces {@code line} once it is connected. */
    private @Nullable OpenConnection next;

    /**
     * Connects when the first command is sent.
     *
     * @param timeout how long Redis may take to answer
     * @param reconnect how long a connection is used before it is replaced, or closed if it was not used
     */
    CommandConnection(Vertx vertx, Supplier<Redis> clients, Duration timeout, Duration reconnect) {
        this.vertx = vertx;
        this.clients = clients;
        this.timeout = timeout;
        this.reconnect = reconnect;
        this.context = vertx.getOrCreateContext();
    }

    /**
     * Completes with Redis's answer. Fails without an answer in time; Redis may have executed the command all the same. May
     * be called, and completes, on any thread.
     */
    public Uni<Response> send(Request request) {
        return Uni.createFrom().completionStage(() -> ask(request).toCompletionStage());
    }

    /** Ends the connection, if there is one. May be called on any thread. */
    void close() {
        context.runOnContext(x -> {
            for (OpenConnection open : Arrays.asList(next, line)) {
                if (open != null) {
                    open.close();
                }
            }
            next = null;
            line = null;
        });
    }

    private Future<Response> ask(Request request) {
        Promise<Response> answer = Promise.promise();
        context.runOnContext(x -> {
            OpenConnection current = line();
            long timer = vertx.setTimer(timeout.toMillis(), fired -> {
                if (answer.tryFail("no answer within " + timeout)) {
                    drop(current);
                }
            });
            current.send(request).onComplete(result -> {
                vertx.cancelTimer(timer);
                if (result.succeeded()) {
                    answer.tryComplete(result.result());
                } else {
                    answer.tryFail(result.cause());
                    if (!(result.cause() instanceof Response)) {
                        // Not Redis itself has refused it.
                        context.runOnContext(y -> drop(current));
                    }
                }
            });
        });
        return answer.future();
    }

    private OpenConnection line() {
        OpenConnection current = line;
        if (current == null) {
            current = connect();
            use(current);
        }
        return current;
    }

    private OpenConnection connect() {
        return new OpenConnection(clients.get(), context, ended -> context.runOnContext(x -> drop(ended)));
    }

    private void use(OpenConnection fresh) {
        line = fresh;
        vertx.setTimer(reconnect.toMillis(), fired -> context.runOnContext(x -> renew(fresh)));
    }

    private void renew(OpenConnection old) {
        if (line != old || next != null) {
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
                        // What is published on the connection there is may reach nobody.
                        retire();
                    }
                }));
    }

    private void retire() {
        if (line != null) {
            line.retire();
            line = null;
        }
    }

    /** Keeps the line there is where another can't be connected in time. */
    private void giveUp(OpenConnection fresh) {
        if (next == fresh) {
            drop(fresh);
        }
    }

    private void drop(OpenConnection ended) {
        ended.close();
        if (next == ended) {
            next = null;
            if (line != null) {
                use(line);
            }
        } else if (line == ended) {
            line = null;
        }
    }
}
