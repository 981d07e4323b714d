package dev.sluice.feed;

import io.netty.channel.Channel;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A subscription on a connection of its own: the part that does not depend on what it subscribes to. It uses the low-level
 * connection, whose message handler is in place before the first command is sent, so that neither the acknowledgement
 * nor the first publication can be missed.
 */
abstract class ConnectedSubscription implements Subscription {

    /**
     * Bytes of one read; the event loop reads up to 16 times in a row. Netty pools buffers up to this size, and would
     * allocate and clear larger ones each time.
     */
    static final int READ_BYTES = 32 * 1024;

    /**
     * Redis quotes the command; the name of the ACL user may contain anything but spaces. Other servers say less, but not that
     * it is about a subscription.
     */
    private static final Pattern REFUSED_PUBSUB = Pattern.compile(
            "['`]pubsub\\b|Try PUBSUB|^(NOPERM|ERR)(?!.*(subscribe|channel))",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private final String beats;
    private final RedisSubscription.Clients clients;

    /** {@code null} if it hears channels by patterns only. */
    private final @Nullable ChannelSubscriptions channels;

    private final Context context;
    private final Listener listener;
    private final Redis redis;

    /** With Sentinel, the last connection that the client makes is the one to Redis itself. */
    private @Nullable Channel newest;

    private @Nullable PublicationDecoder decoder;
    private @Nullable Channel channel;
    private @Nullable RedisConnection connection;

    /** {@code null} until channels can be subscribed to. */
    private ChannelSubscriptions.@Nullable Link link;

    private boolean closed;

    /**
     * Creates it without connecting.
     *
     * @param beats the channel of this subscription's beats: unique, so that Redis does not send the beats of other pods
     * @param prefixes those of channels that it hears by name
     * @param maxPayload in bytes; larger payloads are left out of publications
     * @param channels the channels that it hears by name; {@code null} if there are no prefixes
     * @param context where the listener is called, and where this must be called
     */
    ConnectedSubscription(
            String beats,
            RedisSubscription.Clients clients,
            List<String> prefixes,
            int maxPayload,
            @Nullable ChannelSubscriptions channels,
            Context context,
            Listener listener) {
        this.beats = beats;
        this.clients = clients;
        this.channels = channels;
        this.context = context;
        this.listener = listener;
        this.redis = clients.subscriber(pipeline -> {
            pipeline.addLast(new PublicationDecoder(maxPayload, prefixes, listener::published, this::named));
            pipeline.channel().config().setRecvByteBufAllocator(new FixedRecvByteBufAllocator(READ_BYTES));
            newest = pipeline.channel();
        });
    }

    /** @param prepare what to do before {@link #subscribe} */
    final void connect(Function<RedisConnection, Future<RedisConnection>> prepare) {
        redis.connect()
                .onSuccess(connected -> {
                    // Takes the newest at this moment, because connections to sentinels may follow.
                    channel = Objects.requireNonNull(newest);
                    decoder = channel.pipeline().get(PublicationDecoder.class);
                    connected.exceptionHandler(this::end).endHandler(ended -> end(null));
                })
                .compose(prepare)
                .onComplete(connected -> context.runOnContext(x -> {
                    if (connected.failed()) {
                        listener.ended(connected.cause());
                    } else if (!closed) {
                        connection = connected.result();
                        subscribe(connected.result());
                    }
                }));
    }

    /** Subscribes to what comes first. */
    abstract void subscribe(RedisConnection made);

    /** Runs on the connection's event loop, for each message on a channel without one of the prefixes. */
    abstract void named(Publication message);

    /** A command failed. */
    void failed(Throwable cause) {
        end(cause);
    }

    final void send(RedisConnection to, Command command, List<String> names) {
        Request request = Request.cmd(command);
        names.forEach(request::arg);
        to.send(request).onFailure(this::failed);
    }

    /** Channels can be subscribed to. */
    final void connected(ChannelSubscriptions to, ChannelSubscriptions.Link made, Runnable onSubscribed) {
        link = made;
        to.connected(made, onSubscribed);
    }

    /**
     * Asks whether no other pod subscribes to the channel of ticks. If Redis refuses, for example because the ACL user lacks
     * {@code +pubsub}, that stays unknown.
     */
    final void askWhetherAlone(RedisConnection to, String subcommand, String clockChannel) {
        to.send(Request.cmd(Command.PUBSUB).arg(subcommand).arg(clockChannel))
                .onSuccess(subscribers -> {
                    if (subscribers.type() == ResponseType.MULTI
                            && subscribers.size() > 1
                            && subscribers.get(1).toInteger() == 1) {
                        context.runOnContext(x -> listener.alone());
                    }
                })
                // Vert.x takes the error of a subscription for the answer to this.
                .onFailure(cause -> {
                    if (!refusesPubsub(cause)) {
                        failed(cause);
                    }
                });
    }

    /** Whether Redis does not know PUBSUB or its subcommand, or does not permit it. */
    private static boolean refusesPubsub(Throwable cause) {
        return cause instanceof Response
                && REFUSED_PUBSUB.matcher(String.valueOf(cause.getMessage())).find();
    }

    final void end(@Nullable Throwable cause) {
        context.runOnContext(x -> listener.ended(cause));
    }

    /** Passes on a message on the channel of beats. */
    final void beat(Publication message) {
        long number;
        try {
            number = Long.parseLong(new String(message.payload(), StandardCharsets.US_ASCII));
        } catch (NumberFormatException e) {
            // Another Redis client published this.
            return;
        }
        context.runOnContext(x -> listener.heard(number));
    }

    final String beats() {
        return beats;
    }

    final RedisSubscription.Clients clients() {
        return clients;
    }

    final Context context() {
        return context;
    }

    final Listener listener() {
        return listener;
    }

    /** Returns {@code null} until {@link #subscribe}. */
    final @Nullable RedisConnection connection() {
        return connection;
    }

    final boolean isClosed() {
        return closed;
    }

    @Override
    public final void close() {
        closed = true;
        if (decoder != null) {
            decoder.stop();
        }
        if (channels != null && link != null) {
            channels.disconnected(link);
        }
        redis.close();
    }

    @Override
    public final boolean isStuck(int beats) {
        return channels != null && channels.isStuck(beats);
    }

    @Override
    public final void pause(boolean paused) {
        if (channel != null) {
            channel.config().setAutoRead(!paused);
        }
    }

    @Override
    public final long messages() {
        return decoder == null ? 0 : decoder.messages();
    }
}
