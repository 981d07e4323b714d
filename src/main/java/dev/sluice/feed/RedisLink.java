package dev.sluice.feed;

import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A pattern subscription on a connection of its own. The low-level connection is used because its message handler is in
 * place before PSUBSCRIBE is sent: neither the acknowledgement nor the first publication can be missed.
 */
final class RedisLink implements Link {

    private final Redis redis;
    private final Events events;
    private final Context context;
    private final List<String> patterns;
    private int acknowledged;
    private @Nullable RedisConnection connection;

    /**
     * Opens a link with a client of its own, which it closes.
     *
     * @param context where the events come, and where this must be called
     */
    static Link open(Redis redis, Collection<String> patterns, Context context, Events events) {
        RedisLink link = new RedisLink(redis, patterns, context, events);
        redis.connect()
                .onComplete(connected -> context.runOnContext(x -> {
                    if (connected.succeeded()) {
                        link.subscribe(connected.result());
                    } else {
                        events.ended(connected.cause());
                    }
                }));
        return link;
    }

    private RedisLink(Redis redis, Collection<String> patterns, Context context, Events events) {
        this.redis = redis;
        this.patterns = List.copyOf(patterns);
        this.context = context;
        this.events = events;
    }

    @Override
    public void close() {
        redis.close();
    }

    @Override
    public void pause(boolean paused) {
        if (connection != null && paused) {
            connection.pause();
        } else if (connection != null) {
            connection.resume();
        }
    }

    private void subscribe(RedisConnection connected) {
        connection = connected;
        connected.exceptionHandler(this::end);
        connected.endHandler(x -> end(null));
        connected.handler(this::handle);
        Request subscribe = Request.cmd(Command.PSUBSCRIBE);
        patterns.forEach(subscribe::arg);
        connected.send(subscribe).onFailure(this::end);
    }

    private void end(@Nullable Throwable cause) {
        context.runOnContext(x -> events.ended(cause));
    }

    /** Runs on the connection's event loop, for each message in the order Redis sent them. */
    private void handle(Response message) {
        if (message.type() == ResponseType.ERROR) {
            end(new IllegalStateException("Redis refused the subscription: " + message));
            return;
        }
        if (message.type() != ResponseType.MULTI && message.type() != ResponseType.PUSH) {
            return;
        }
        String kind = message.get(0).toString();
        if (kind.equals("pmessage")) {
            events.published(
                    publication(message.get(2).toBuffer(), message.get(3).toBuffer()));
        } else if (kind.equals("psubscribe") && ++acknowledged == patterns.size()) {
            context.runOnContext(x -> events.subscribed());
        }
    }

    private static Publication publication(Buffer name, Buffer payload) {
        byte[] bytes = new byte[name.length() + payload.length()];
        name.getBytes(bytes, 0);
        payload.getBytes(bytes, name.length());
        return new Publication(bytes, name.length(), System.nanoTime());
    }
}
