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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends commands to Redis on one connection that is made when it is needed and replaced when it does not answer. Bounding
 * how much is under way at once is up to those who use it.
 */
public final class RedisLine {

    private final Vertx vertx;
    private final Supplier<Redis> clients;
    private final Duration timeout;
    /** Where the connection is used, and nowhere else. */
    private final Context context;

    private @Nullable Line line;

    RedisLine(Vertx vertx, Supplier<Redis> clients, Duration timeout) {
        this.vertx = vertx;
        this.clients = clients;
        this.timeout = timeout;
        this.context = vertx.getOrCreateContext();
    }

    /**
     * What Redis answers. Fails where it does not in time, and may have done what it was asked to nevertheless. May be
     * called, and completes, on any thread.
     */
    public Uni<Response> send(Request request) {
        return Uni.createFrom().completionStage(() -> ask(request).toCompletionStage());
    }

    /** Ends the connection, if there is one. May be called on any thread. */
    void close() {
        context.runOnContext(x -> {
            if (line != null) {
                drop(line);
            }
        });
    }

    private Future<Response> ask(Request request) {
        Promise<Response> answer = Promise.promise();
        context.runOnContext(x -> {
            Line current = line();
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

    private Line line() {
        Line current = line;
        if (current == null) {
            current = new Line(clients.get(), ended -> context.runOnContext(x -> drop(ended)));
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
}
