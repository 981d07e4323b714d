package dev.sluice.presence;

import com.fasterxml.jackson.databind.JsonNode;
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
 * The other pods and their users, as this pod has heard. {@link FleetView} explains how the copies stay equal to their
 * originals. Not thread-safe.
 */
final class Peers {

    /** A pod that is silent for longer is dead. */
    static final long DEAD_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** How long after the question of a new pod the pods that exist have said something. */
    private static final long SPEAK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How long a pod waits for the users of another one before it asks again. */
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final int MAX_PEERS = 1_000;

    private final String id;
    private final LongSupplier nanoTime;
    private final Function<String, @Nullable Channel> channels;
    private final Runnable tooMany;
    private final UserTable table;
    private final Outgoing outgoing;
    private final Map<String, Peer> peers = new LinkedHashMap<>();

    /** Pods that have stopped, so that copies of their messages are ignored. */
    private final Map<String, Long> stopped = new LinkedHashMap<>();

    /** When a pod asked all others; {@code null} if users in their grace need not be told of. */
    private @Nullable Long greetedAt;

    private final Set<String> greeters = new HashSet<>();

    /**
     * Creates the copies of no pods.
     *
     * @param outgoing takes the questions to other pods, and the answers
     */
    Peers(
            String id,
            LongSupplier nanoTime,
            Function<String, @Nullable Channel> channels,
            Runnable tooMany,
            UserTable table,
            Outgoing outgoing) {
        this.id = id;
        this.nanoTime = nanoTime;
        this.channels = channels;
        this.tooMany = tooMany;
        this.table = table;
        this.outgoing = outgoing;
    }

    List<String> names() {
        return List.copyOf(peers.keySet());
    }

    /** The version of the pod's users that is known; -1 if none is. */
    long version(String pod) {
        Peer peer = peers.get(pod);
        return peer != null && peer.synced ? peer.version : -1;
    }

    /** All pods are asked for their versions. */
    void askAgain(long now) {
        for (Peer peer : peers.values()) {
            peer.heardAt = now;
            peer.confirmed = false;
            peer.parts = null;
        }
    }

    /** Whether no pod lacks changes, except those that are dead or have too many users. */
    boolean areCertain(long now) {
        return peers.values().stream()
                .allMatch(peer -> peer.synced || peer.refused || now - peer.unsyncedSince > DEAD_NANOS);
    }

    boolean areSettled() {
        return peers.values().stream().allMatch(Peer::isSettled);
    }

    /** Whether all pods have told their versions since they were asked. */
    boolean areConfirmed() {
        return peers.values().stream().allMatch(peer -> peer.confirmed && peer.isSettled());
    }

    /**
     * Whether Redis has sent a message to no pod that is not known here, as it has another secret, or none, or no route with
     * presence. Those that stop may still be subscribed.
     */
    boolean areAll(long receivers) {
        return receivers <= 1L + peers.size() + stopped.size();
    }

    /** Forgets dead pods, and asks again for what has not come. */
    void check(long now) {
        List.copyOf(peers.entrySet()).forEach(entry -> {
            Peer peer = entry.getValue();
            if (now - peer.heardAt > DEAD_NANOS) {
                drop(entry.getKey());
            } else if (peer.isWanted() && now - lastPart(peer) > RETRY_NANOS) {
                want(entry.getKey(), peer);
            }
        });
        stopped.values().removeIf(at -> now - at > 2 * DEAD_NANOS);
    }

    /**
     * Tells new pods of the users in their grace, and of those of pods that have not spoken since, and so may be dead. Of
     * all pods that have, the first does.
     *
     * @param speaks whether this pod tells its clients of users
     */
    void tellGraces(long now, boolean speaks) {
        if (greetedAt != null && now - greetedAt > SPEAK_NANOS) {
            tell(greetedAt, speaks);
            greetedAt = null;
            greeters.clear();
        }
    }

    private void tell(long since, boolean speaks) {
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
        if (speaks) {
            outgoing.grace(users);
        }
    }

    /** When the pod last sent a part of its users, or was asked for them. */
    private static long lastPart(Peer peer) {
        return peer.parts == null ? peer.wantedAt : peer.heardAt;
    }

    private void want(String pod, Peer peer) {
        peer.wantedAt = nanoTime.getAsLong();
        outgoing.want(pod);
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
        if (from.equals(id) || stopped.containsKey(from)) {
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
