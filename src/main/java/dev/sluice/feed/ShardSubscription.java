package dev.sluice.feed;

import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.ClusterTopology.Range;
import dev.sluice.redis.HashSlot;
import io.netty.channel.Channel;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.vertx.core.Context;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A subscription to channels of one shard of a Redis Cluster, by SSUBSCRIBE on its master. */
final class ShardSubscription implements Subscription {

    /** How many names of channels for beats are tried; of a shard with few slots none may be its own. */
    private static final int TRIES = 100_000;

    private static final int ENOUGH = 16;

    private final RedisSubscription.Clients clients;
    private final ChannelSubscriptions channels;
    private final Shards.Events events;
    private final Context context;
    private final Listener listener;
    private final Redis redis;
    private final String beats;
    private @Nullable Link link;
    private @Nullable PublicationDecoder decoder;
    private @Nullable Channel channel;
    private @Nullable RedisConnection connection;
    private boolean acknowledged;
    private boolean closed;

    /**
     * Starts to connect.
     *
     * @param clients of the master
     * @param prefixes those of the channels to hear
     * @param maxPayload in bytes; larger payloads are left out of publications
     * @param context where the listeners are called, and where this must be called
     */
    ShardSubscription(
            Master master,
            RedisSubscription.Clients clients,
            List<String> prefixes,
            int maxPayload,
            ChannelSubscriptions channels,
            Shards.Events events,
            Context context,
            Listener listener) {
        this.clients = clients;
        this.channels = channels;
        this.events = events;
        this.context = context;
        this.listener = listener;
        this.beats = beats(master);
        this.redis = clients.subscriber(pipeline -> {
            decoder = new PublicationDecoder(maxPayload, prefixes, listener::published, this::beat);
            pipeline.addLast(decoder);
            channel = pipeline.channel();
            channel.config().setRecvByteBufAllocator(new FixedRecvByteBufAllocator(RedisSubscription.READ_BYTES));
        });
        redis.connect()
                .onComplete(connected -> context.runOnContext(x -> {
                    if (connected.failed()) {
                        listener.ended(connected.cause());
                    } else if (!closed) {
                        subscribe(connected.result());
                    }
                }));
    }

    /**
     * Returns a channel of the shard, in the last slot that is found: tools move the first slots first, and when this one
     * moves, the subscription ends.
     */
    static String beats(Master master) {
        String end = "}:" + UUID.randomUUID();
        String found = null;
        int slot = -1;
        int all = 0;
        for (int i = 0; i < TRIES && all < ENOUGH; i++) {
            String name = "sluice:canary:{" + i + end;
            int of = HashSlot.of(name.getBytes(StandardCharsets.US_ASCII));
            if (serves(master, of)) {
                all++;
                if (of > slot) {
                    slot = of;
                    found = name;
                }
            }
        }
        if (found == null) {
            throw new IllegalStateException("the node " + master.address() + " has no slots");
        }
        return found;
    }

    private static boolean serves(Master master, int slot) {
        for (Range range : master.slots()) {
            if (range.first() <= slot && slot <= range.last()) {
                return true;
            }
        }
        return false;
    }

    private void subscribe(RedisConnection made) {
        connection = made;
        made.exceptionHandler(this::end).endHandler(ended -> end(null)).handler(this::reply);
        send(made, Command.SSUBSCRIBE, List.of(beats));
    }

    private void send(RedisConnection to, Command command, List<String> names) {
        Request request = Request.cmd(command);
        names.forEach(request::arg);
        to.send(request).onFailure(this::failed);
    }

    /** One command may only have channels of one slot. */
    private final class Link implements ChannelSubscriptions.Link {

        private final RedisConnection to;

        Link(RedisConnection to) {
            this.to = to;
        }

        @Override
        public void subscribe(List<String> names) {
            bySlot(names).values().forEach(some -> send(to, Command.SSUBSCRIBE, some));
        }

        @Override
        public void unsubscribe(List<String> names) {
            bySlot(names).values().forEach(some -> send(to, Command.SUNSUBSCRIBE, some));
        }
    }

    private static Map<Integer, List<String>> bySlot(List<String> names) {
        Map<Integer, List<String>> slots = new TreeMap<>();
        for (String name : names) {
            slots.computeIfAbsent(HashSlot.of(name.getBytes(StandardCharsets.UTF_8)), missing -> new ArrayList<>())
                    .add(name);
        }
        return slots;
    }

    private void reply(Response message) {
        if (message.type() == ResponseType.ERROR) {
            failed((Throwable) message);
        } else if (message.type() == ResponseType.MULTI || message.type() == ResponseType.PUSH) {
            String kind = message.get(0).toString();
            if (!closed && kind.endsWith("subscribe")) {
                String name = message.get(1).toString();
                // At once, so that the order to the publications around it is known.
                acknowledged(kind, name);
            }
        }
    }

    private void acknowledged(String kind, String name) {
        if (name.equals(beats)) {
            if (kind.equals("ssubscribe") && !acknowledged && connection != null) {
                acknowledged = true;
                link = new Link(connection);
                channels.connected(link, listener::subscribed);
            } else {
                end(new IllegalStateException("the slot of the canary messages has moved to another node"));
            }
        } else if (kind.equals("ssubscribe")) {
            channels.subscribed(name);
        } else if (!channels.unsubscribed(name)) {
            events.ended(name);
        }
    }

    /** A refusal of a slot that has moved affects only its channels. */
    private void failed(Throwable cause) {
        String error = cause instanceof Response ? String.valueOf(cause.getMessage()) : "";
        String[] words = error.split(" ", -1);
        if (acknowledged && error.startsWith("MOVED ") && words.length > 1) {
            int slot = Integer.parseInt(words[1]);
            context.runOnContext(x -> {
                if (!closed) {
                    events.moved(slot);
                }
            });
        } else if (error.contains("unknown command")) {
            end(new IllegalStateException("sluice.feed.mode=sharded needs Redis 7 or Valkey: " + error));
        } else {
            end(cause);
        }
    }

    private void end(@Nullable Throwable cause) {
        context.runOnContext(x -> listener.ended(cause));
    }

    private void beat(Publication message) {
        long number;
        try {
            number = Long.parseLong(new String(message.payload(), StandardCharsets.US_ASCII));
        } catch (NumberFormatException e) {
            // Another Redis client published this.
            return;
        }
        context.runOnContext(x -> listener.heard(number));
    }

    @Override
    public void close() {
        closed = true;
        if (decoder != null) {
            decoder.stop();
        }
        if (link != null) {
            channels.disconnected(link);
        }
        redis.close();
    }

    @Override
    public boolean hasClock() {
        return false;
    }

    @Override
    public boolean tick(String text) {
        return true;
    }

    @Override
    public boolean isStuck(int beatCount) {
        return channels.isStuck(beatCount);
    }

    @Override
    public void pause(boolean paused) {
        if (channel != null) {
            channel.config().setAutoRead(!paused);
        }
    }

    @Override
    public long messages() {
        return decoder == null ? 0 : decoder.messages();
    }

    @Override
    public BeatConnection connectPublisher(BeatConnection.Listener publisher) {
        return clients.beats(beats, null, context, publisher);
    }
}
