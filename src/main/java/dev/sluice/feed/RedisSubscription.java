package dev.sluice.feed;

import dev.sluice.redis.MasterCheck;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A subscription to patterns, and to names in mode {@code exact}. */
final class RedisSubscription extends ConnectedSubscription {

    /**
     * What a subscription hears.
     *
     * @param prefixes those of channels that it hears by name
     * @param probe a channel of Redis's own to hear as well; {@code null} for none
     * @param clock the channel of ticks; {@code null} for none
     * @param channels the channels that it hears by name; {@code null} if there are no prefixes
     */
    record Names(
            List<String> patterns,
            List<String> prefixes,
            @Nullable String probe,
            @Nullable ClockChannel clock,
            @Nullable ChannelSubscriptions channels) {}

    /** Makes a Redis client for each connection; the caller closes it. Called on the feed's thread. */
    interface Clients {

        /** Returns a client that subscribes; the initializer receives the pipeline of each of its connections. */
        Redis subscriber(Consumer<ChannelPipeline> initializer);

        /** Connects a publisher; see {@link BeatPublisher}. */
        BeatConnection beats(
                String channel, @Nullable ClockChannel ticks, Context context, BeatConnection.Listener listener);

        /**
         * Whether they connect to a node of a Redis Cluster, which also passes on what is published on other nodes, in an
         * order of its own.
         */
        default boolean areOfNode() {
            return false;
        }
    }

    private final List<String> patterns;
    private final List<String> prefixes;
    private final @Nullable String probe;

    /** {@code null} without a clock. */
    private final @Nullable ClockChannel clock;

    /** {@code null} if it hears channels by patterns only. */
    private final @Nullable ChannelSubscriptions channels;

    private final FeedListener heard;

    private final byte[] beatsName = beats().getBytes(StandardCharsets.US_ASCII);

    private boolean canPublish;

    /** The channel of ticks; {@code null} without a clock. */
    private @Nullable String clockChannel;

    private byte[] clockName = new byte[0];

    /** The names and patterns of the first commands that are unacknowledged. */
    private int unacknowledged;

    /**
     * Starts to connect.
     *
     * @param names what it hears
     * @param maxPayload in bytes; larger payloads are left out of publications
     * @param context where the listeners are called, and where this must be called
     * @param heard receives control messages
     */
    RedisSubscription(
            Clients clients, Names names, int maxPayload, Context context, FeedListener heard, Listener listener) {
        super(
                "sluice:canary:" + UUID.randomUUID(),
                clients,
                names.prefixes(),
                maxPayload,
                names.channels(),
                context,
                listener);
        this.patterns = names.patterns();
        this.prefixes = names.prefixes();
        this.probe = names.probe();
        this.clock = names.clock();
        this.channels = names.channels();
        this.heard = heard;
        connect(made -> (clients.areOfNode() ? Future.succeededFuture(made) : MasterCheck.check(made))
                .compose(this::chooseClockChannel));
    }

    private Future<RedisConnection> chooseClockChannel(RedisConnection made) {
        ClockChannel ticks = clock;
        if (ticks == null) {
            return Future.succeededFuture(made);
        }
        return ClockChannel.canPublish(made)
                .compose(can -> {
                    canPublish = can;
                    if (clients().areOfNode()) {
                        return can ? ticks.ofServer(made) : Future.succeededFuture();
                    }
                    return can ? Future.succeededFuture(ticks.name()) : ticks.ofServer(made);
                })
                .map(name -> {
                    clockChannel = name;
                    clockName = name == null ? clockName : name.getBytes(StandardCharsets.US_ASCII);
                    return made;
                });
    }

    @Override
    void subscribe(RedisConnection made) {
        made.handler(this::acknowledgement);
        List<String> names = new ArrayList<>(List.of(beats(), Feed.CONTROL));
        if (clockChannel != null) {
            names.add(clockChannel);
        }
        if (probe != null) {
            names.add(probe);
        }
        // No channel has such a name. If Redis refuses it, this pod never becomes ready, instead of failing later.
        List<String> tried = prefixes.stream().map(prefix -> prefix + ":").toList();
        names.addAll(tried);
        unacknowledged = names.size() + patterns.size() + tried.size();
        send(made, Command.SUBSCRIBE, names);
        if (!patterns.isEmpty()) {
            send(made, Command.PSUBSCRIBE, patterns);
        }
        if (!tried.isEmpty()) {
            send(made, Command.UNSUBSCRIBE, tried);
        }
    }

    /** Subscribes to channels by name. */
    private final class Link implements ChannelSubscriptions.Link {

        private final RedisConnection to;

        Link(RedisConnection to) {
            this.to = to;
        }

        @Override
        public void subscribe(List<String> names) {
            send(to, Command.SUBSCRIBE, names);
        }

        @Override
        public void unsubscribe(List<String> names) {
            send(to, Command.UNSUBSCRIBE, names);
        }

        @Override
        public void hurry() {
            listener().awaited();
        }
    }

    @Override
    public boolean hasClock() {
        return clock != null;
    }

    @Override
    public BeatConnection connectPublisher(BeatConnection.Listener publisher) {
        ClockChannel ticks = canPublish ? null : clock;
        return clients().beats(beats(), ticks, context(), publisher);
    }

    @Override
    public boolean tick(String text) {
        RedisConnection connection = connection();
        if (connection != null && canPublish && clockChannel != null) {
            connection
                    .send(Request.cmd(Command.PUBLISH).arg(clockChannel).arg(text))
                    .onFailure(this::end);
        }
        return canPublish;
    }

    /** Runs on the connection's event loop, for each message that the decoder lets through. */
    private void acknowledgement(Response message) {
        if (message.type() == ResponseType.ERROR) {
            // Vert.x gives errors as a Response that is also a Throwable.
            failed((Throwable) message);
        } else if (message.type() == ResponseType.MULTI || message.type() == ResponseType.PUSH) {
            String kind = message.get(0).toString();
            if (kind.equals("message") && message.get(1).toString().equals(probe)) {
                context().runOnContext(x -> probed());
            }
            if (kind.endsWith("subscribe")) {
                acknowledged(kind, message.get(1).toString());
            }
        }
    }

    @Override
    void failed(Throwable cause) {
        end(
                cause instanceof Response
                        ? new IllegalStateException(
                                "Redis refused the subscription: " + cause + neededFor(cause.toString()))
                        : cause);
    }

    /** Redis does not name the channel that it refuses. */
    private String neededFor(String refusal) {
        if (!refusal.startsWith("NOPERM") || !refusal.contains("channel")) {
            return "";
        }
        return Stream.concat(patterns.stream(), prefixes.stream().map(prefix -> prefix + ":*"))
                .map(pattern -> " &" + pattern)
                .collect(Collectors.joining("", "; its ACL must have &sluice:*", ""));
    }

    private void acknowledged(String kind, String name) {
        if (unacknowledged > 0) {
            unacknowledged--;
            if (unacknowledged == 0) {
                context().runOnContext(x -> firstAcknowledged());
            }
        } else if (channels != null && !isClosed()) {
            // At once, so that the order to the publications around it is known.
            if (kind.equals("subscribe")) {
                channels.subscribed(name);
            } else if (!channels.unsubscribed(name)) {
                end(new IllegalStateException("Redis ended a subscription by itself"));
            }
        }
    }

    private void firstAcknowledged() {
        RedisConnection connection = connection();
        if (channels == null) {
            live();
        } else if (!isClosed() && connection != null) {
            connected(channels, new Link(connection), this::live);
        }
    }

    private void live() {
        listener().subscribed();
        RedisConnection connection = connection();
        if (connection != null && canPublish && clockChannel != null) {
            askWhetherAlone(connection, "NUMSUB", clockChannel);
        }
    }

    @Override
    void named(Publication message) {
        if (isOn(beatsName, message)) {
            beat(message);
            return;
        }
        boolean whole = message.payloadLength() <= PublicationDecoder.MAX_NAMED_PAYLOAD;
        String text = whole ? new String(message.payload(), StandardCharsets.UTF_8) : null;
        if (isOn(clockName, message)) {
            // Not later, because the publications that follow count from this tick.
            listener().ticked(text);
        } else {
            context().runOnContext(x -> control(new PodMessage(text)));
        }
    }

    private void probed() {
        if (!isClosed()) {
            heard.probed();
        }
    }

    private void control(PodMessage message) {
        if (!isClosed()) {
            heard.control(message);
        }
    }

    private static boolean isOn(byte[] name, Publication message) {
        return Arrays.equals(message.bytes(), 0, message.nameLength(), name, 0, name.length);
    }
}
