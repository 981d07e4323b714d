package dev.sluice.feed;

import io.netty.channel.Channel;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.vertx.core.Context;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A pattern subscription on a connection of its own. The low-level connection is used because its message handler is in
 * place before PSUBSCRIBE is sent: neither the acknowledgement nor the first publication can be missed.
 */
final class RedisLink implements Link {

    /**
     * Bytes taken off the connection at once; a loop of the channel does so up to 16 times before anything is handed on.
     * Netty keeps buffers of up to this size for the next time, but would allocate and clear larger ones anew each time.
     */
    private static final int READ_BYTES = 32 * 1024;

    private final Redis redis;
    private final Events events;
    private final Context context;
    private final List<String> patterns;
    private int acknowledged;
    private @Nullable Channel channel;

    /** Makes a Redis client that nobody else uses. */
    @FunctionalInterface
    interface Client {
        /** The pipeline of each connection it makes is handed to the initializer. */
        Redis create(Consumer<ChannelPipeline> initializer);
    }

    /**
     * Opens a link with a client of its own, which it closes.
     *
     * @param context where the events come, and where this must be called
     * @param maxPayload payloads with more bytes are left out of what is published
     */
    static Link open(Client client, Collection<String> patterns, int maxPayload, Context context, Events events) {
        RedisLink link = new RedisLink(client, patterns, maxPayload, context, events);
        link.redis
                .connect()
                .onComplete(connected -> context.runOnContext(x -> {
                    if (connected.succeeded()) {
                        link.subscribe(connected.result());
                    } else {
                        events.ended(connected.cause());
                    }
                }));
        return link;
    }

    private RedisLink(Client client, Collection<String> patterns, int maxPayload, Context context, Events events) {
        this.redis = client.create(pipeline -> {
            // With Sentinel the last connection that is made is the one to Redis itself.
            channel = pipeline.channel();
            channel.config().setRecvByteBufAllocator(new FixedRecvByteBufAllocator(READ_BYTES));
            pipeline.addLast(new PublicationDecoder(maxPayload, events::published));
        });
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
        if (channel != null) {
            channel.config().setAutoRead(!paused);
        }
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

    /** Runs on the connection's event loop, for each message that is not a publication. */
    private void handle(Response message) {
        if (message.type() == ResponseType.ERROR) {
            end(new IllegalStateException("Redis refused the subscription: " + message));
        } else if ((message.type() == ResponseType.MULTI || message.type() == ResponseType.PUSH)
                && message.get(0).toString().equals("psubscribe")
                && ++acknowledged == patterns.size()) {
            context.runOnContext(x -> events.subscribed());
        }
    }
}
