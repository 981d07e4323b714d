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

    /** What decoding puts in place of bytes that are not UTF-8. */
    private static final char REPLACEMENT = '\uFFFD';

    private final Redis redis;
    private final Events events;
    private final Context context;
    private final List<String> patterns;
    private int acknowledged;

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

    private void subscribe(RedisConnection connected) {
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
                    new Publication(channel(message.get(2)), message.get(3).toBuffer(), System.nanoTime()));
        } else if (kind.equals("psubscribe") && ++acknowledged == patterns.size()) {
            context.runOnContext(x -> events.subscribed());
        }
    }

    /** The name of the channel; empty, which no route knows, where it is not UTF-8 and so might pass for another. */
    private static String channel(Response name) {
        String text = name.toString();
        boolean replaced = text.indexOf(REPLACEMENT) >= 0;
        return replaced && !Buffer.buffer(text).equals(name.toBuffer()) ? "" : text;
    }
}
