package dev.sluice.feed;

import dev.sluice.redis.MasterCheck;
import dev.sluice.redis.NotMasterException;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A pattern subscription on a connection of its own, and a second connection that publishes the beats, which a connection
 * that subscribes may not. The second can be replaced while the first stays. The low-level connection is used because its message handler is in place before PSUBSCRIBE is
 * sent: neither the acknowledgement nor the first publication can be missed.
 */
final class RedisSubscription implements Subscription {

    /**
     * Bytes taken off the connection at once; a loop of the channel does so up to 16 times before anything is handed on.
     * Netty keeps buffers of up to this size for the next time, but would allocate and clear larger ones anew each time.
     */
    private static final int READ_BYTES = 32 * 1024;

    private final Redis redis;
    private final Supplier<Redis> publishers;
    private final Events events;
    private final Context context;
    private final List<String> patterns;
    /** Nobody else's, and subscribed to by name: Redis itself keeps the beats of other pods away. */
    private final String beats = "sluice:canary:" + UUID.randomUUID();

    private final byte[] beatsName = beats.getBytes(StandardCharsets.US_ASCII);

    private int acknowledged;
    private boolean closed;
    private @Nullable Channel newest;
    private @Nullable Channel subscription;
    private @Nullable BeatPublisher publisher;
    private @Nullable BeatPublisher candidate;

    /** Creates Redis clients for exclusive use. */
    interface Clients {
        /** One to subscribe with; the pipeline of each connection it makes is handed to the initializer. */
        Redis subscriber(Consumer<ChannelPipeline> initializer);

        /** One to publish with. */
        Redis publisher();
    }

    /**
     * Opens a link with clients of its own, which it closes.
     *
     * @param context where the events come, and where this must be called
     * @param maxPayload payloads with more bytes are left out of what is published
     */
    static Subscription open(
            Clients clients, Collection<String> patterns, int maxPayload, Context context, Events events) {
        RedisSubscription subscription = new RedisSubscription(clients, patterns, maxPayload, context, events);
        subscription.connect();
        return subscription;
    }

    private RedisSubscription(
            Clients clients, Collection<String> patterns, int maxPayload, Context context, Events events) {
        this.redis = clients.subscriber(pipeline -> {
            newest = pipeline.channel();
            newest.config().setRecvByteBufAllocator(new FixedRecvByteBufAllocator(READ_BYTES));
            pipeline.addLast(new PublicationDecoder(maxPayload, events::published, this::own));
        });
        this.publishers = clients::publisher;
        this.patterns = List.copyOf(patterns);
        this.context = context;
        this.events = events;
    }

    @Override
    public void close() {
        closed = true;
        redis.close();
        if (publisher != null) {
            publisher.close();
        }
        giveUpRenewal();
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
            publisher.publish(beats, number);
        }
    }

    @Override
    public void renew() {
        giveUpRenewal();
        candidate = new BeatPublisher(
                publishers.get(),
                made -> context.runOnContext(x -> {
                    if (made == candidate) {
                        events.renewed();
                    }
                }),
                this::ended);
    }

    @Override
    public void beatAnew(long number) {
        if (candidate != null) {
            candidate.publish(beats, number);
        }
    }

    @Override
    public void adopt() {
        if (publisher != null && candidate != null) {
            publisher.close();
            publisher = candidate;
            candidate = null;
        }
    }

    @Override
    public void giveUpRenewal() {
        if (candidate != null) {
            candidate.close();
            candidate = null;
        }
    }

    private void connect() {
        redis.connect()
                .onSuccess(connected -> {
                    // With Sentinel the last connection that was made is the one to Redis itself.
                    subscription = newest;
                    connected.exceptionHandler(this::end).endHandler(ended -> end(null));
                })
                .compose(MasterCheck::check)
                .onComplete(connected -> context.runOnContext(x -> {
                    if (connected.failed()) {
                        events.ended(connected.cause());
                    } else if (!closed) {
                        connectPublisher(connected.result());
                    }
                }));
    }

    private void connectPublisher(RedisConnection subscriber) {
        publisher = new BeatPublisher(
                publishers.get(), made -> context.runOnContext(x -> subscribe(subscriber)), this::ended);
    }

    /** The end of a connection that publishes beats. */
    private void ended(BeatPublisher ended, @Nullable Throwable cause) {
        context.runOnContext(x -> {
            if (ended == publisher || (ended == candidate && cause instanceof NotMasterException)) {
                events.ended(cause);
            } else if (ended == candidate) {
                giveUpRenewal();
                events.renewalFailed(cause);
            }
        });
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
