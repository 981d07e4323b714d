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
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A pattern subscription on a connection of its own, and a second connection that publishes the beats, which a connection
 * that subscribes may not. The low-level connection is used because its message handler is in place before PSUBSCRIBE is
 * sent: neither the acknowledgement nor the first publication can be missed.
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
    /** Nobody else's, and subscribed to by name: Redis itself keeps the beats of other pods away. */
    private final String beats = "sluice:canary:" + UUID.randomUUID();

    private final byte[] beatsName = beats.getBytes(StandardCharsets.US_ASCII);

    private int acknowledged;
    private @Nullable Channel newest;
    private @Nullable Channel subscription;
    private @Nullable RedisConnection publisher;

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
        link.connect(subscriber -> {
            // With Sentinel the last connection that was made is the one to Redis itself.
            link.subscription = link.newest;
            link.connect(publisher -> {
                link.publisher = publisher;
                link.subscribe(subscriber);
            });
        });
        return link;
    }

    private RedisLink(Client client, Collection<String> patterns, int maxPayload, Context context, Events events) {
        this.redis = client.create(pipeline -> {
            newest = pipeline.channel();
            newest.config().setRecvByteBufAllocator(new FixedRecvByteBufAllocator(READ_BYTES));
            pipeline.addLast(new PublicationDecoder(maxPayload, events::published, this::own));
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
        if (subscription != null) {
            subscription.config().setAutoRead(!paused);
        }
    }

    @Override
    public void beat(long number) {
        if (publisher != null) {
            publisher.send(Request.cmd(Command.PUBLISH).arg(beats).arg(number)).onFailure(this::end);
        }
    }

    private void connect(Consumer<RedisConnection> then) {
        redis.connect()
                .onComplete(connected -> context.runOnContext(x -> {
                    if (connected.succeeded()) {
                        connected.result().exceptionHandler(this::end).endHandler(ended -> end(null));
                        then.accept(connected.result());
                    } else {
                        events.ended(connected.cause());
                    }
                }));
    }

    private void subscribe(RedisConnection subscriber) {
        subscriber.handler(this::handle);
        subscriber
                .send(Request.cmd(Command.SUBSCRIBE).arg(beats).arg(Feed.CONTROL))
                .onFailure(this::end);
        Request subscribe = Request.cmd(Command.PSUBSCRIBE);
        patterns.forEach(subscribe::arg);
        subscriber.send(subscribe).onFailure(this::end);
    }

    private void end(@Nullable Throwable cause) {
        context.runOnContext(x -> events.ended(cause));
    }

    /** Runs on the connection's event loop, for each message that is not a publication of somebody else. */
    private void handle(Response message) {
        if (message.type() == ResponseType.ERROR) {
            end(new IllegalStateException("Redis refused the subscription: " + message));
        } else if (message.type() == ResponseType.MULTI || message.type() == ResponseType.PUSH) {
            switch (message.get(0).toString()) {
                case "subscribe", "psubscribe" -> {
                    if (++acknowledged == 2 + patterns.size()) {
                        context.runOnContext(x -> events.subscribed());
                    }
                }
                default -> {}
            }
        }
    }

    /** Runs on the connection's event loop, for each message on a channel of the pods' own. */
    private void own(Publication message) {
        String payload = new String(message.payload(), StandardCharsets.UTF_8);
        if (!Arrays.equals(message.bytes(), 0, message.nameLength(), beatsName, 0, beatsName.length)) {
            boolean whole = message.payloadLength() <= PublicationDecoder.MAX_OWN;
            context.runOnContext(x -> events.said(new PodMessage(whole ? payload : null)));
            return;
        }
        long number;
        try {
            number = Long.parseLong(payload);
        } catch (NumberFormatException e) {
            // Somebody else's.
            return;
        }
        context.runOnContext(x -> events.heard(number));
    }
}
