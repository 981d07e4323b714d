package dev.sluice.redis;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.function.Consumer;
import java.util.function.Function;

/** One connection to Redis, which never reconnects. Confined to its context. */
final class OpenConnection {

    private final Redis client;
    private final Context context;
    private final Future<RedisConnection> connection;
    private int pending;
    private boolean used;
    private boolean retired;

    /** The client may be closed only once. */
    private boolean closed;

    /**
     * Starts to connect.
     *
     * @param client owned by this connection and closed with it
     * @param check completes with the connection if it may be used
     * @param context the caller's context
     * @param ended called when the connection fails or ends, on any thread, possibly more than once
     */
    OpenConnection(
            Redis client,
            Function<RedisConnection, Future<RedisConnection>> check,
            Context context,
            Consumer<OpenConnection> ended) {
        this.client = client;
        this.context = context;
        this.connection = client.connect()
                .onSuccess(connected ->
                        connected.endHandler(end -> ended.accept(this)).exceptionHandler(failure -> ended.accept(this)))
                .compose(check)
                .onFailure(failure -> ended.accept(this));
    }

    /** Completes when connected, on any thread. */
    Future<?> connected() {
        return connection;
    }

    /** Completes with Redis's response; fails with a {@link NotConnectedException}, or when the connection closes. Has no timeout. */
    Future<Response> send(Request request) {
        used = true;
        pending++;
        return connection
                .recover(failure -> Future.failedFuture(new NotConnectedException(failure)))
                .compose(connected -> connected.send(request))
                .onComplete(answered -> context.runOnContext(x -> {
                    pending--;
                    closeIfDone();
                }));
    }

    /** Returns whether a command was sent since the last call. */
    boolean wasUsed() {
        boolean was = used;
        used = false;
        return was;
    }

    /** Closes the connection once all commands have responses. To be called instead of sending more. */
    void retire() {
        retired = true;
        closeIfDone();
    }

    /** Closes the connection; pending commands fail. Idempotent. */
    void close() {
        if (!closed) {
            closed = true;
            client.close();
        }
    }

    private void closeIfDone() {
        if (retired && pending == 0) {
            close();
        }
    }
}
