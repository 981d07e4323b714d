package dev.sluice.presence;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The users present in the fleet, as this pod knows them. Not thread-safe.
 *
 * <p>Each pod decides alone what it tells its clients. It has a copy of every other pod's pairs of a user and a channel,
 * adds its own, and keeps users for a grace period after the last pod has lost them. {@link UserTable} does that.
 *
 * <p>The copies stay equal to their originals. A pod numbers its changes: a message of changes leads from one version to
 * the next. A pod that hears a version that does not follow the one it has, in changes or in the version that every pod
 * tells every five seconds, has missed something, and asks for all users of that pod. The answer has as many messages as
 * it needs, no change between them, and serves all pods that ask at the time. So a lost message costs a delay, and
 * nothing is confirmed or repeated.
 *
 * <p>When its subscription becomes live, a pod asks all others: those it has never heard, and those whose messages it
 * may have missed. It is <em>warm</em> after two seconds, when every pod it knows has answered; in any case after ten.
 * Clients that have waited for ten seconds are told what it knows, also if the subscription is not live. A new pod that
 * is not warm tells its clients nothing, and then begins with all present users, and with those in grace: one of the
 * others names these, and the users of pods that have not spoken since the question, which may be dead. So neither a
 * new pod nor one that replaces another makes anybody join or leave. No grace ends while the subscription is
 * interrupted, until the pod is warm again, or while it knows that it lacks changes of a pod; so what it missed makes
 * nobody leave. A user may join late, and leave late.
 *
 * <p>A pod that stops says so; one that is silent for {@link #DEAD_NANOS} is dead. Its users then leave after the grace,
 * unless another pod has them. If the pods share no secret, there is only this pod, which is always warm.
 *
 * <p>Bounds: the channel with too many users, and a pod that would have to know too many pairs, keep what clients were
 * told as it is, and say that it is not complete. With fewer users, clients get the difference.
 */
final class FleetView {

    /** A pod that is silent for longer is dead. */
    static final long DEAD_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** How long a pod that has asked all others waits for those that it does not know. */
    private static final long ANSWER_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** How long after such a question the pods that exist have said something. */
    private static final long SPEAK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How long a pod waits for all others at most. */
    private static final long WARM_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** How long a pod waits for the users of another one before it asks again. */
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final int MAX_PEERS = 1_000;

    /** Those who may wait until the pod is warm. */
    private static final int MAX_WAITING = 10_000;

    private final String id;
    private final boolean alone;
    private final LongSupplier nanoTime;
    private final Function<String, @Nullable Channel> channels;
    private final Runnable tooMany;
    private final UserTable table;
    private final Outgoing outgoing;
    private final Map<String, Peer> peers = new LinkedHashMap<>();

    /** Pods that have stopped, so that copies of their messages are ignored. */
    private final Map<String, Long> stopped = new LinkedHashMap<>();

    private final Map<Object, Runnable> waiting = new LinkedHashMap<>();
    private long waitingSince;
    private boolean live;
    private boolean warm;

    /** Whether clients are told. */
    private boolean everWarm;

    private long liveSince;

    /** When a pod asked all others; {@code null} if users in their grace need not be told of. */
    private @Nullable Long greetedAt;

    private final Set<String> greeters = new HashSet<>();

    /**
     * Creates the view of a pod without users.
     *
     * @param alone whether there is only this pod
     * @param channels finds the channel of a name; {@code null} if it has no presence
     * @param tooMany called if other pods have more users than may be known, or names are too long for a message
     */
    FleetView(
            String id,
            boolean alone,
            LongSupplier nanoTime,
            Function<String, @Nullable Channel> channels,
            Runnable tooMany,
            UserTable table) {
        this.id = id;
        this.alone = alone;
        this.nanoTime = nanoTime;
        this.channels = channels;
        this.tooMany = tooMany;
        this.table = table;
        this.outgoing = new Outgoing(
                id,
                nanoTime,
                pod -> {
                    Peer peer = peers.get(pod);
                    return peer != null && peer.synced ? peer.version : -1;
                },
                tooMany);
        if (alone) {
            warm();
        }
    }

    /** The first connection of a user on this pod receives the channel. */
    void joined(Channel channel, String user) {
        if (!alone) {
            outgoing.joined(channel, user);
        }
        table.appeared(channel, user, true);
    }

    /** The last connection of a user on this pod no longer receives the channel. */
    void left(Channel channel, String user) {
        if (!alone) {
            outgoing.left(channel, user);
        }
        table.vanished(channel, user, true);
    }

    /** The subscription to Redis is live, or is interrupted. */
    void live(boolean now) {
        live = now;
        if (alone || !now) {
            return;
        }
        liveSince = nanoTime.getAsLong();
        warm = false;
        for (Peer peer : peers.values()) {
            peer.heardAt = liveSince;
            peer.confirmed = false;
            peer.parts = null;
        }
        outgoing.hello(List.copyOf(peers.keySet()));
    }

    /** Whether users leave as soon as their grace is over. */
    private boolean isCertain() {
        if (alone) {
            return true;
        }
        long now = nanoTime.getAsLong();
        return live
                && warm
                && peers.values().stream()
                        .allMatch(peer -> peer.synced || peer.refused || now - peer.unsyncedSince > DEAD_NANOS);
    }

    /** Returns what clients have been told of the channel. */
    UserTable.Told told(Channel channel) {
        UserTable.Told told = table.told(channel);
        return alone || (live && warm && peers.values().stream().allMatch(Peer::isSettled))
                ? told
                : new UserTable.Told(told.names(), told.count(), false);
    }

    /** Runs the action when the pod knows the others; returns false if one with the key waits, or too many do. */
    boolean whenWarm(Object key, Runnable action) {
        if (everWarm) {
            action.run();
            return true;
        }
        if (waiting.isEmpty()) {
            waitingSince = nanoTime.getAsLong();
        }
        return waiting.size() < MAX_WAITING && waiting.putIfAbsent(key, action) == null;
    }

    /** Returns the action that waits, and no longer does; {@code null} if there is none. */
    @Nullable
    Runnable cancel(Object key) {
        return waiting.remove(key);
    }

    /** To be called several times a second; tells clients changes with about that many frames at most. */
    void tick(int frames) {
        long now = nanoTime.getAsLong();
        if (live && !alone) {
            List.copyOf(peers.entrySet()).forEach(entry -> {
                Peer peer = entry.getValue();
                if (now - peer.heardAt > DEAD_NANOS) {
                    drop(entry.getKey());
                } else if (peer.isWanted() && now - lastPart(peer) > RETRY_NANOS) {
                    want(entry.getKey(), peer);
                }
            });
            stopped.values().removeIf(at -> now - at > 2 * DEAD_NANOS);
            if (!warm && isWarm(now)) {
                warm();
            }
        }
        if (!waiting.isEmpty() && now - waitingSince > WARM_NANOS) {
            begin();
        }
        if (greetedAt != null && now - greetedAt > SPEAK_NANOS) {
            tellGraces(greetedAt);
            greetedAt = null;
            greeters.clear();
        }
        if (isCertain()) {
            table.expire();
        }
        table.tell(frames);
    }

    /**
     * Tells new pods of the users in their grace, and of those of pods that have not spoken since, and so may be dead. Of
     * all pods that have, the first does.
     */
    private void tellGraces(long since) {
        List<UserTable.Lingering> users = new ArrayList<>(table.lingering());
        for (Map.Entry<String, Peer> entry : peers.entrySet()) {
            Peer peer = entry.getValue();
            if (peer.heardAt - since < 0) {
                peer.users.forEach((channel, names) ->
                        names.forEach(name -> users.add(new UserTable.Lingering(channel, name, Long.MAX_VALUE))));
            } else if (!greeters.contains(entry.getKey()) && entry.getKey().compareTo(id) < 0) {
                return;
            }
        }
        if (everWarm) {
            outgoing.grace(users);
        }
    }

    /** When the pod last sent a part of its users, or was asked for them. */
    private static long lastPart(Peer peer) {
        return peer.parts == null ? peer.wantedAt : peer.heardAt;
    }

    private boolean isWarm(long now) {
        long waited = now - liveSince;
        if (waited > WARM_NANOS) {
            return true;
        }
        return outgoing.isGreeted(now - ANSWER_NANOS)
                && peers.values().stream().allMatch(peer -> peer.confirmed && peer.isSettled());
    }

    private void warm() {
        warm = true;
        begin();
    }

    private void begin() {
        if (!everWarm) {
            everWarm = true;
            table.speak();
            waiting.values().forEach(Runnable::run);
            waiting.clear();
        }
    }

    private void want(String pod, Peer peer) {
        peer.wantedAt = nanoTime.getAsLong();
        outgoing.want(pod);
    }

    /** Returns the next message to the other pods; {@code null} if none is due. */
    @Nullable
    ObjectNode next() {
        return alone ? null : outgoing.next();
    }

    /** The last message was delivered, or not; to be called before the next one. */
    void sent(boolean delivered) {
        outgoing.sent(delivered);
    }

    /** A pod has said that it stops. */
    void stopped(String pod) {
        if (stopped.size() < MAX_PEERS) {
            stopped.put(pod, nanoTime.getAsLong());
        }
        drop(pod);
    }

    private void drop(String pod) {
        Peer peer = peers.remove(pod);
        if (peer != null) {
            clear(peer);
            thawIfPossible();
        }
    }

    private void clear(Peer peer) {
        Map<Channel, Set<String>> users = peer.users;
        peer.users = new HashMap<>();
        peer.size = 0;
        users.forEach((channel, names) -> names.forEach(name -> table.vanished(channel, name, false)));
    }

    /** A message of any pod, maybe this one. */
    void heard(JsonNode message) {
        String from = message.path(Outgoing.FROM).asText();
        if (alone || from.equals(id) || stopped.containsKey(from)) {
            return;
        }
        long now = nanoTime.getAsLong();
        Peer peer = peers.get(from);
        if (peer == null) {
            if (peers.size() >= MAX_PEERS) {
                return;
            }
            peer = new Peer(now, now - 2 * RETRY_NANOS);
            peers.put(from, peer);
        }
        long number = message.path(Outgoing.NUMBER).asLong(-1);
        if (number <= peer.number) {
            return;
        }
        peer.number = number;
        peer.heardAt = now;
        long version = message.path(Outgoing.VERSION).asLong(-1);
        switch (message.path(Outgoing.KIND).asText()) {
            case Outgoing.CHANGES -> changes(from, peer, version, message);
            case Outgoing.ALL -> part(from, peer, version, message);
            case Outgoing.GRACE -> {
                graces(message.path(Outgoing.GRACE));
                told(from, peer, version, message.path(Outgoing.SIZE).asInt());
            }
            case Outgoing.WANT -> {
                JsonNode known = message.path(Outgoing.KNOWN).path(id);
                boolean others = message.path(Outgoing.OTHERS).asBoolean();
                if (!known.isMissingNode() || others) {
                    outgoing.asked(known.asLong(-1));
                }
                if (others) {
                    greetedAt = greetedAt == null ? (Long) now : greetedAt;
                    greeters.add(from);
                }
                told(from, peer, version, message.path(Outgoing.SIZE).asInt());
            }
            default -> told(from, peer, version, message.path(Outgoing.SIZE).asInt());
        }
    }

    /** A pod has told its version. */
    private void told(String from, Peer peer, long version, int size) {
        if (version == 0 && !peer.synced && !peer.refused) {
            // All pods begin with it, without users.
            peer.version = 0;
            peer.synced = true;
        }
        if (peer.refused && !peer.retried && table.hasMuchRoomFor(size)) {
            peer.retried = true;
            want(from, peer);
        }
        if (peer.synced && peer.version == version) {
            peer.confirmed = true;
        } else {
            lost(from, peer);
        }
    }

    private void changes(String from, Peer peer, long version, JsonNode message) {
        if (peer.version <= 0 && version == 1 && !peer.refused) {
            peer.version = 0;
            peer.synced = true;
        }
        if (!peer.synced || peer.version + 1 != version) {
            lost(from, peer);
            return;
        }
        peer.version = version;
        forEach(message.path(Outgoing.IN), (channel, user) -> {
            if (!peer.refused && !peer.has(channel, user)) {
                add(peer, channel, user);
            }
        });
        forEach(message.path(Outgoing.OUT), (channel, user) -> {
            if (peer.remove(channel, user)) {
                table.vanished(channel, user, false);
            } else {
                table.flashed(channel, user);
            }
        });
    }

    private void add(Peer peer, Channel channel, String user) {
        if (!table.hasRoomFor(1)) {
            refuse(peer);
        } else if (peer.add(channel, user)) {
            table.appeared(channel, user, false);
        }
    }

    private void part(String from, Peer peer, long version, JsonNode message) {
        if (peer.synced && peer.version == version) {
            peer.confirmed = true;
            return;
        }
        if (peer.refused && !peer.retried) {
            return;
        }
        int part = message.path(Outgoing.PART).asInt(-1);
        Peer.Parts parts = part == 0 ? new Peer.Parts(version) : peer.parts;
        peer.parts = null;
        if (parts == null || parts.next != part || parts.version != version) {
            lost(from, peer);
            return;
        }
        parts.next++;
        forEach(message.path(Outgoing.IN), parts::add);
        if (!table.hasRoomFor(parts.size - peer.size)) {
            refuse(peer);
        } else if (message.path(Outgoing.LAST).asBoolean()) {
            replace(peer, parts);
        } else {
            peer.parts = parts;
        }
    }

    private void graces(JsonNode section) {
        for (Map.Entry<String, JsonNode> ofChannel : section.properties()) {
            Channel channel = channels.apply(ofChannel.getKey());
            if (channel != null) {
                for (Map.Entry<String, JsonNode> user : ofChannel.getValue().properties()) {
                    long nanos = TimeUnit.MILLISECONDS.toNanos(user.getValue().asLong());
                    table.lingering(channel, user.getKey(), nanos);
                }
            }
        }
    }

    private void replace(Peer peer, Peer.Parts parts) {
        Map<Channel, Set<String>> before = peer.users;
        peer.users = parts.users;
        peer.size = parts.size;
        peer.version = parts.version;
        peer.synced = true;
        peer.confirmed = true;
        peer.refused = false;
        peer.retried = false;
        parts.users.forEach((channel, users) -> {
            Set<String> known = before.getOrDefault(channel, Set.of());
            users.stream().filter(user -> !known.contains(user)).forEach(user -> table.appeared(channel, user, false));
        });
        before.forEach((channel, users) -> users.stream()
                .filter(user -> !peer.has(channel, user))
                .forEach(user -> table.vanished(channel, user, false)));
        thawIfPossible();
    }

    /** Changes of the pod are missing. */
    private void lost(String from, Peer peer) {
        long now = nanoTime.getAsLong();
        if (peer.synced) {
            peer.synced = false;
            peer.unsyncedSince = now;
        }
        if (peer.isWanted() && now - lastPart(peer) > RETRY_NANOS) {
            want(from, peer);
        }
    }

    private void refuse(Peer peer) {
        tooMany.run();
        table.freeze();
        peer.refused = true;
        peer.retried = false;
        peer.synced = false;
        peer.parts = null;
        clear(peer);
    }

    private void thawIfPossible() {
        if (peers.values().stream().noneMatch(peer -> peer.refused)) {
            table.thaw();
        }
    }

    /** Calls the action for each pair of a section of a message. */
    private void forEach(JsonNode section, PairAction action) {
        for (Map.Entry<String, JsonNode> ofChannel : section.properties()) {
            Channel channel = channels.apply(ofChannel.getKey());
            if (channel != null) {
                ofChannel.getValue().forEach(user -> action.accept(channel, user.asText()));
            }
        }
    }

    @FunctionalInterface
    private interface PairAction {
        void accept(Channel channel, String user);
    }
}
