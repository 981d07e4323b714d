package dev.sluice.feed;

import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.ClusterTopology.Range;
import dev.sluice.redis.HashSlot;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/** A subscription to channels of one shard of a Redis Cluster, by SSUBSCRIBE on its master. */
final class ShardSubscription extends ConnectedSubscription {

    /** How many names are tried for the channel of canary messages: a shard with few slots serves few of them. */
    private static final int MAX_TRIES = 100_000;

    /** The number of names in slots of the shard from which one is chosen. */
    private static final int MAX_CANDIDATES = 16;

    private final ChannelSubscriptions channels;
    private final Shards.Events events;
    private boolean canaryAcknowledged;

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
        super(beats(master), clients, prefixes, maxPayload, channels, context, listener);
        this.channels = channels;
        this.events = events;
        connect(Future::succeededFuture);
    }

    /**
     * Returns the name of a channel for canary messages in one of the shard's slots. Of several it takes the one in the
     * highest slot, because tools move the lowest slots first, and the subscription ends when this slot moves.
     */
    static String beats(Master master) {
        String end = "}:" + UUID.randomUUID();
        String found = null;
        int slot = -1;
        int matches = 0;
        for (int i = 0; i < MAX_TRIES && matches < MAX_CANDIDATES; i++) {
            String name = "sluice:canary:{" + i + end;
            int candidateSlot = HashSlot.of(name.getBytes(StandardCharsets.US_ASCII));
            if (serves(master, candidateSlot)) {
                matches++;
                if (candidateSlot > slot) {
                    slot = candidateSlot;
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

    @Override
    void subscribe(RedisConnection made) {
        made.handler(this::reply);
        send(made, Command.SSUBSCRIBE, List.of(beats()));
    }

    /** Sends one command for each slot, because Redis refuses one with channels of several slots. */
    private final class Link implements ChannelSubscriptions.Link {

        private final RedisConnection to;

        Link(RedisConnection to) {
            this.to = to;
        }

        @Override
        public void subscribe(List<String> names) {
            bySlot(names).values().forEach(sameSlot -> send(to, Command.SSUBSCRIBE, sameSlot));
        }

        @Override
        public void unsubscribe(List<String> names) {
            bySlot(names).values().forEach(sameSlot -> send(to, Command.SUNSUBSCRIBE, sameSlot));
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
            // Vert.x gives errors as a Response that is also a Throwable.
            failed((Throwable) message);
        } else if (message.type() == ResponseType.MULTI || message.type() == ResponseType.PUSH) {
            String kind = message.get(0).toString();
            if (!isClosed() && kind.endsWith("subscribe")) {
                String name = message.get(1).toString();
                // Not later in a task of its own, so that it stays in order with publications.
                handleAcknowledgement(kind, name);
            }
        }
    }

    private void handleAcknowledgement(String kind, String name) {
        if (name.equals(beats())) {
            RedisConnection connection = connection();
            if (kind.equals("ssubscribe") && !canaryAcknowledged && connection != null) {
                canaryAcknowledged = true;
                connected(channels, new Link(connection), listener()::subscribed);
            } else {
                end(new IllegalStateException("the slot of the canary messages has moved to another node"));
            }
        } else if (kind.equals("ssubscribe")) {
            channels.subscribed(name);
        } else if (!channels.unsubscribed(name)) {
            events.ended(name);
        }
    }

    /** A refusal because a slot has moved affects only the slot's channels; any other error ends the subscription. */
    @Override
    void failed(Throwable cause) {
        String error = cause instanceof Response ? String.valueOf(cause.getMessage()) : "";
        String[] words = error.split(" ", -1);
        if (canaryAcknowledged && error.startsWith("MOVED ") && words.length > 1) {
            int slot = Integer.parseInt(words[1]);
            context().runOnContext(x -> {
                if (!isClosed()) {
                    events.moved(slot);
                }
            });
        } else if (error.contains("unknown command")) {
            end(new IllegalStateException("sluice.feed.mode=sharded needs Redis 7 or Valkey: " + error));
        } else {
            end(cause);
        }
    }

    @Override
    void named(Publication message) {
        beat(message);
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
    public BeatConnection connectPublisher(BeatConnection.Listener publisher) {
        return clients().beats(beats(), null, context(), publisher);
    }
}
