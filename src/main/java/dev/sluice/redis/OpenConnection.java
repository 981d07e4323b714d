package dev.sluice.redis;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.function.Consumer;

/** One connection to a Redis master, from connecting to its end. It never comes back. Confined to its context. */
final class OpenConnection {

    private final Redis client;
    private final Context context;
    private final Future<RedisConnection> connection;
    private int pending;
    private boolean used;
    private boolean retired;

    /**
     * A line that is being connected.
     *
     * @param client nobody else's; closed with the line
     * @param context the current one
     * @param ended told where it can't be connected or has ended, on any thread, any number of times
     */
    OpenConnection(Redis client, Context context, Consumer<OpenConnection> ended) {
        this.client = client;
        this.context = context;
        this.connection = client.connect()
                .onSuccess(connected ->
                        connected.endHandler(end -> ended.accept(this)).exceptionHandler(failure -> ended.accept(this)))
                .compose(MasterCheck::check)
                .onFailure(failure -> ended.accept(this));
    }

    /** Completes once it is connected, on any thread. */
    Future<?> connected() {
        return connection;
    }

    /** What Redis answers; fails when the line is closed, and may take for ever else. */
    Future<Response> send(Request request) {
        used = true;
        pending++;
        return connection
                .compose(connected -> connected.send(request))
                .onComplete(answered -> context.runOnContext(x -> {
                    pending--;
                    closeIfDone();
                }));
    }

    /** Whether anything was sent since this was last asked. */
    boolean wasUsed() {
        boolean was = used;
        used = false;
        return was;
    }

    /** Ends it once everything that is under way on it has been answered. Nothing more may be sent. */
    void retire() {
        retired = true;
        closeIfDone();
    }

    /** Ends it, and what is under way on it. Idempotent. */
    void close() {
        client.close();
    }

    private void closeIfDone() {
        if (retired && pending == 0) {
            close();
        }
    }
}
