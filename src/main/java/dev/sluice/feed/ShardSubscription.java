package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.ClusterTopology.Range;
import dev.sluice.redis.HashSlot;
import dev.sluice.redis.OptionalCommand;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** A subscription to channels of one shard of a Redis Cluster, by SSUBSCRIBE on its master. */
final class ShardSubscription extends ConnectedSubscription {

    private static final Logger LOG = Logger.getLogger(ShardSubscription.class);

    /** The hash tags among which all pods choose; few, so that the choice seldom changes while slots move. */
    private static final int TAGS = 128;

    /** How many more are tried for a shard with few slots. Each slot has some among that many. */
    private static final int MAX_TAGS = 1_000_000;

    private static final int NONE = -1;

    private final ChannelSubscriptions channels;
    private final Shards.Events events;
    private final Supplier<Master> master;
    private final ClockChannel clock;
    private final QuorumWatch quorum;

    private final SettledSlots slots;
    private String clockChannel;
    private byte[] clockName;

    /** The channel to which the clock changes, once Redis has acknowledged it; {@code null} for none. */
    private @Nullable String nextClockChannel;

    /** The channels of its own that Redis has not acknowledged yet. */
    private int unacknowledged;

    /** Whether it publishes ticks itself; otherwise it has no clock. */
    private boolean canPublish;

    /**
     * Starts to connect.
     *
     * @param master with its present slots
     * @param clients of the master
     * @param prefixes those of the channels to hear
     * @param clock the channel of ticks; each master has one of its own
     * @param maxPayload in bytes; larger payloads are left out of publications
     * @param settled how long slots must not have moved before the clock follows them
     * @param uncounted limits the log lines of connections whose publications have no positions
     * @param quorum told by the master with the beats
     * @param context where the listeners are called, and where this must be called
     */
    ShardSubscription(
            Supplier<Master> master,
            RedisSubscription.Clients clients,
            List<String> prefixes,
            ClockChannel clock,
            int maxPayload,
            ChannelSubscriptions channels,
            Shards.Events events,
            Duration settled,
            Time time,
            LogThrottle uncounted,
            QuorumWatch quorum,
            Context context,
            Listener listener) {
        super(beats(master.get()), clients, prefixes, maxPayload, channels, context, listener);
        this.channels = channels;
        this.events = events;
        this.master = master;
        this.clock = clock;
        this.quorum = quorum;
        Master present = master.get();
        this.slots = new SettledSlots(present, settled, time);
        this.clockChannel = clockChannel(clock, present);
        this.clockName = clockChannel.getBytes(StandardCharsets.US_ASCII);
        connect(made -> ClockChannel.canPublish(made)
                .compose(can -> can ? isConnectedTo(present, made, uncounted) : Future.succeededFuture(false))
                .map(can -> {
                    canPublish = can;
                    return made;
                }));
    }

    /** The address may lead to another node by now, which passes on the ticks of the expected one in an order of its own. */
    private static Future<Boolean> isConnectedTo(Master expected, RedisConnection made, LogThrottle uncounted) {
        return OptionalCommand.send(made, Request.cmd(Command.CLUSTER).arg("MYID"))
                .map(id -> {
                    boolean same = id != null && id.toString().equals(expected.id());
                    long count = same ? 0 : uncounted.pass();
                    if (count > 0) {
                        LOG.warnf(
                                "Publications of the master %s have no positions: %s. Connections without positions: %d; the next"
                                        + " log line follows in a minute",
                                expected.address(),
                                id == null ? "Redis refuses CLUSTER MYID" : "another node is at this address",
                                count);
                    }
                    return same;
                });
    }

    static String clockChannel(ClockChannel clock, Master master) {
        return inSlotOf(master, clock.name() + ":" + master.id() + ":{", "}");
    }

    /** Returns the name of a channel for canary messages in one of the shard's slots. */
    static String beats(Master master) {
        return inSlotOf(master, "sluice:canary:{", "}:" + UUID.randomUUID());
    }

    /**
     * Returns the name of a channel in one of the shard's slots, with a hash tag between the two parts. It takes the tag in the
     * highest slot, because tools move the lowest slots first, and the subscription ends when this slot moves. All pods that
     * know the same slots take the same.
     */
    private static String inSlotOf(Master master, String start, String end) {
        int found = -1;
        int highest = -1;
        for (int tag = 0; tag < TAGS || (found < 0 && tag < MAX_TAGS); tag++) {
            int slot = HashSlot.of(Integer.toString(tag).getBytes(StandardCharsets.US_ASCII));
            if (slot > highest && serves(master, slot)) {
                highest = slot;
                found = tag;
            }
        }
        if (found < 0) {
            throw new IllegalStateException("the node " + master.address() + " has no slots");
        }
        return start + found + end;
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
        unacknowledged = canPublish ? 2 : 1;
        send(made, Command.SSUBSCRIBE, List.of(beats()));
        if (canPublish) {
            send(made, Command.SSUBSCRIBE, List.of(clockChannel));
        }
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

        @Override
        public void hurry() {
            listener().awaited();
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
        if (name.equals(nextClockChannel) && kind.equals("ssubscribe")) {
            changeClock(name);
        } else if (name.equals(beats()) || name.equals(clockChannel)) {
            RedisConnection connection = connection();
            unacknowledged--;
            if (!kind.equals("ssubscribe") || unacknowledged < 0) {
                end(new IllegalStateException(
                        "the slot of the canary messages or of the ticks has moved to another node"));
            } else if (unacknowledged == 0 && connection != null) {
                connected(channels, new Link(connection), this::live);
            }
        } else if (kind.equals("ssubscribe")) {
            channels.subscribed(name);
        } else if (!isClock(name) && !channels.unsubscribed(name)) {
            events.ended(name);
        }
    }

    /** Whether it is of this clock, such as the channel that it has left. */
    private boolean isClock(String name) {
        return name.startsWith(clock.name());
    }

    /**
     * Pods that connected before slots moved and later ones must use the same channel. But the clients' positions end with each
     * change, so there is one for all slots that move.
     */
    private void followSlots() {
        RedisConnection connection = connection();
        if (connection == null || !canPublish || nextClockChannel != null) {
            return;
        }
        Master now = master.get();
        if (!slots.haveSettled(now)) {
            return;
        }
        String name = clockChannel(clock, now);
        if (!name.equals(clockChannel)) {
            nextClockChannel = name;
            send(connection, Command.SSUBSCRIBE, List.of(name));
        }
    }

    private void changeClock(String name) {
        String left = clockChannel;
        clockChannel = name;
        clockName = name.getBytes(StandardCharsets.US_ASCII);
        nextClockChannel = null;
        listener().clockChanged();
        RedisConnection connection = connection();
        if (connection != null) {
            send(connection, Command.SUNSUBSCRIBE, List.of(left));
            askWhetherAlone(connection, "SHARDNUMSUB", clockChannel);
        }
    }

    /** A refusal because a slot has moved affects only the slot's channels; any other error ends the subscription. */
    @Override
    void failed(Throwable cause) {
        int slot = movedSlot(cause);
        if (unacknowledged == 0 && slot != NONE) {
            context().runOnContext(x -> {
                if (!isClosed()) {
                    moved(slot);
                }
            });
        } else if (cause instanceof Response
                && String.valueOf(cause.getMessage()).contains("unknown command")) {
            end(new IllegalStateException("sluice.feed.mode=sharded needs Redis 7 or Valkey: " + cause.getMessage()));
        } else {
            end(cause);
        }
    }

    /** Returns the slot that the node does not serve, by its error; {@link #NONE} for other errors. */
    private static int movedSlot(Throwable cause) {
        String[] words =
                cause instanceof Response ? String.valueOf(cause.getMessage()).split(" ", -1) : new String[0];
        return words.length > 1 && words[0].equals("MOVED") ? Integer.parseInt(words[1]) : NONE;
    }

    private void moved(int slot) {
        if (nextClockChannel != null && HashSlot.of(nextClockChannel.getBytes(StandardCharsets.US_ASCII)) == slot) {
            nextClockChannel = null;
            slots.moved();
        }
        events.moved(slot);
    }

    private void live() {
        listener().subscribed();
        RedisConnection connection = connection();
        if (connection != null && canPublish) {
            askWhetherAlone(connection, "SHARDNUMSUB", clockChannel);
        }
    }

    @Override
    void named(Publication message) {
        if (Arrays.equals(message.bytes(), 0, message.nameLength(), clockName, 0, clockName.length)) {
            boolean whole = message.payloadLength() <= PublicationDecoder.MAX_NAMED_PAYLOAD;
            // Not later, because the publications that follow count from this tick.
            listener().ticked(whole ? new String(message.payload(), StandardCharsets.UTF_8) : null);
        } else {
            beat(message);
            followSlots();
        }
    }

    @Override
    public Instant heardUntil(Instant lastBeat) {
        return quorum.heardUntil(lastBeat);
    }

    @Override
    public boolean hasClock() {
        return canPublish;
    }

    @Override
    public boolean tick(String text) {
        RedisConnection connection = connection();
        if (connection != null && canPublish) {
            connection
                    .send(Request.cmd(Command.SPUBLISH).arg(clockChannel).arg(text))
                    .onFailure(this::failed);
        }
        return true;
    }

    @Override
    public BeatConnection connectPublisher(BeatConnection.Listener publisher) {
        return clients().beats(beats(), null, context(), publisher);
    }
}
