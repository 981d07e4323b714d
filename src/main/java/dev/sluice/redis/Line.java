package dev.sluice.redis;

import io.vertx.core.Future;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.function.Consumer;

/** One connection to Redis, from connecting to its end. It never comes back. */
final class Line {

    private final Redis client;
    private final Future<RedisConnection> connection;

    /**
     * A line that is being connected.
     *
     * @param client nobody else's; closed with the line
     * @param ended told where it can't be connected or has ended, on any thread, any number of times
     */
    Line(Redis client, Consumer<Line> ended) {
        this.client = client;
        this.connection = client.connect()
                .onSuccess(connected ->
                        connected.endHandler(end -> ended.accept(this)).exceptionHandler(failure -> ended.accept(this)))
                .onFailure(failure -> ended.accept(this));
    }

    /** What Redis answers; fails when the line is closed, and may take for ever else. */
    Future<Response> send(Request request) {
        return connection.compose(connected -> connected.send(request));
    }

    /** Ends it, and what is under way on it. Idempotent. */
    void close() {
        client.close();
    }
}
