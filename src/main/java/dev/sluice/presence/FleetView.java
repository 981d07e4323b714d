package dev.sluice.presence;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.route.Channel;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The users present in the fleet, as this pod knows them. Not thread-safe.
 *
 * <p>Each pod decides alone what it tells its clients. It has a copy of every other pod's pairs of a user and a
 * channel, adds its own, and keeps users for a grace period after the last pod has lost them. {@link UserTable} does
 * that.
 *
 * <p>The copies stay equal to their originals. A pod numbers its changes: a message of changes leads from one version
 * to the next. A pod that hears a version that does not follow the one it has, in changes or in the version that every
 * pod tells every five seconds, has missed something, and asks for all users of that pod. The answer has as many
 * messages as it needs, no change between them, and serves all pods that ask at the time. So a lost message costs a
 * delay, and nothing is confirmed or repeated.
 *
 * <p>When its subscription becomes live, a pod asks all others: those it has never heard, and those whose messages it
 * may have missed. It is <em>warm</em> once two seconds have passed and every known pod has answered, and after ten
 * seconds at the latest. A client that has waited for ten seconds is told what the pod knows, even if the subscription
 * is not live.
 *
 * <p>A new pod tells its clients nothing until it is warm. Then it begins with all present users, and with those in
 * grace. Another pod tells it who is in grace. That pod also names the users of pods that have been silent since the
 * question, because those pods may be dead. So neither a new pod nor one that replaces another makes a user join or
 * leave.
 *
 * <p>No grace ends while the subscription is interrupted, until the pod is warm again, or while the pod knows that it
 * lacks changes of another. So what it missed makes no user leave. A user may join late, and leave late.
 *
 * <p>A pod that stops says so; one that is silent for {@link Peers#DEAD_NANOS} is dead. Its users then leave after the
 * grace, unless another pod has them. If the pods share no secret, there is only this pod, which is always warm.
 *
 * <p>Bounds: while a channel has too many users, this pod tells clients of no changes in it, and says that what they
 * know is not complete. The same holds for all channels while other pods have too many pairs. Afterwards clients get
 * the difference.
 */
final class FleetView {

    /** How long a pod that has asked all others waits for those that it does not know. */
    private static final long ANSWER_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** How long a pod waits for all others at most. */
    private static final long WARM_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** The number of actions that may wait until the pod is warm. */
    private static final int MAX_WAITING = 10_000;

    private final boolean isolated;
    private final LongSupplier nanoTime;
    private final UserTable table;
    private final Outgoing outgoing;
    private final Peers peers;
    private final Map<Object, Runnable> waiting = new LinkedHashMap<>();
    private long waitingSince;
    private boolean live;
    private boolean warm;

    /** Whether clients are told of users. Once true, it stays so, also while the pod is no longer warm. */
    private boolean tellsClients;

    private long liveSince;

    /** The number of subscribers to which Redis has sent this pod's last message, also this pod; 0 if it is not known. */
    private long receivers;

    /**
     * Creates the view of a pod without users.
     *
     * @param isolated whether there is only this pod
     * @param channels finds the channel of a name; {@code null} if it has no presence
     * @param tooMany called if other pods have more users than may be known, or names are too long for a message
     */
    FleetView(
            String id,
            boolean isolated,
            LongSupplier nanoTime,
            Function<String, @Nullable Channel> channels,
            Runnable tooMany,
            UserTable table) {
        this.isolated = isolated;
        this.nanoTime = nanoTime;
        this.table = table;
        this.outgoing = new Outgoing(id, nanoTime, this::version, tooMany);
        this.peers = new Peers(id, nanoTime, channels, tooMany, table, outgoing);
        if (isolated) {
            warm();
        }
    }

    private long version(String pod) {
        return peers.version(pod);
    }

    /** The first connection of a user on this pod receives the channel. */
    void joined(Channel channel, String user) {
        if (!isolated) {
            outgoing.joined(channel, user);
        }
        table.appeared(channel, user, true);
    }

    /** The last connection of a user on this pod no longer receives the channel. */
    void left(Channel channel, String user) {
        if (!isolated) {
            outgoing.left(channel, user);
        }
        table.vanished(channel, user, true);
    }

    /** The subscription to Redis is live, or is interrupted. */
    void live(boolean now) {
        live = now;
        if (isolated || !now) {
            return;
        }
        liveSince = nanoTime.getAsLong();
        warm = false;
        peers.askAgain(liveSince);
        outgoing.hello(peers.names());
    }

    /** Whether users leave as soon as their grace is over. */
    private boolean isCertain() {
        if (isolated) {
            return true;
        }
        return live && warm && peers.areCertain(nanoTime.getAsLong());
    }

    /** Returns what clients have been told of the channel. */
    UserTable.Told told(Channel channel) {
        UserTable.Told told = table.told(channel);
        return isolated || (live && warm && peers.areSettled() && peers.areAll(receivers))
                ? told
                : new UserTable.Told(told.names(), told.count(), false);
    }

    /** Runs the action when the pod knows the others; returns false if one with the key waits, or too many do. */
    boolean whenWarm(Object key, Runnable action) {
        if (tellsClients) {
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
        if (live && !isolated) {
            peers.check(now);
            if (!warm && isWarm(now)) {
                warm();
            }
        }
        if (!waiting.isEmpty() && now - waitingSince > WARM_NANOS) {
            begin();
        }
        peers.tellGraces(now, tellsClients);
        if (isCertain()) {
            table.expire();
        }
        table.tell(frames);
    }

    private boolean isWarm(long now) {
        long waited = now - liveSince;
        if (waited > WARM_NANOS) {
            return true;
        }
        return outgoing.isGreeted(now - ANSWER_NANOS) && peers.areConfirmed();
    }

    private void warm() {
        warm = true;
        begin();
    }

    private void begin() {
        if (!tellsClients) {
            tellsClients = true;
            table.speak();
            waiting.values().forEach(Runnable::run);
            waiting.clear();
        }
    }

    /** Returns the next message to the other pods; {@code null} if none is due. */
    @Nullable
    ObjectNode next() {
        return isolated ? null : outgoing.next();
    }

    /** The last message was delivered, or not; to be called before the next one. */
    void sent(boolean delivered) {
        outgoing.sent(delivered);
    }

    /** Redis has sent the last message to so many subscribers. */
    void counted(long subscribers) {
        receivers = subscribers;
    }

    /** A pod has said that it stops. */
    void stopped(String pod) {
        peers.stopped(pod);
    }

    /** A message of any pod, maybe this one. */
    void heard(JsonNode message) {
        if (!isolated) {
            peers.heard(message);
        }
    }
}
