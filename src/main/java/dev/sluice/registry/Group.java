package dev.sluice.registry;

import dev.sluice.route.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Connections that share their subscriptions: those of one user, or a single one. A user's group also knows the user's
 * single connections, which have their own groups. Used only under the registry's lock for the user.
 */
final class Group {

    /** How long after a new connection lingering subscriptions may be restored; pods answer within milliseconds. */
    private static final long RESTORING_NANOS = Duration.ofSeconds(10).toNanos();

    /**
     * A subscription.
     *
     * @param at when the user asked for it, in milliseconds since 1970
     * @param restored whether it was taken over from an earlier connection and has not been asked for since
     * @param shared whether other pods may know of it
     */
    private record ChannelEntry(long at, boolean restored, boolean shared) {}

    final List<Connection> connections = new ArrayList<>(1);

    /** Immutable while it is empty. */
    private Map<Channel, ChannelEntry> channels = Collections.emptyMap();

    /** Connections of the user that share no subscriptions; few users have any. */
    private List<Connection> singles = Collections.emptyList();

    /**
     * The channels that were unsubscribed since a connection was added: subscriptions up to that stamp are not
     * restored. {@code null} if nothing is to be restored; immutable while it is empty.
     */
    private @Nullable Map<Channel, Long> ended;

    /** Whether there were more unsubscribes than are kept; then nothing more is restored. */
    private boolean overflowed;

    private final int maxEnded;

    private long restoringUntil;

    /** The newest known time of a subscribe or unsubscribe. */
    private long newest;

    /**
     * Creates a group without connections.
     *
     * @param maxSubscriptions how many subscriptions it will have at most
     * @param newest the newest time of a subscription, or of the end of one, that is known of the user
     */
    Group(int maxSubscriptions, long newest) {
        this.maxEnded = (int) Math.min(Integer.MAX_VALUE, 2L * maxSubscriptions);
        this.newest = newest;
    }

    /** Adds a connection of the user that has its own group. */
    void addSingle(Connection connection) {
        if (singles.isEmpty()) {
            singles = new ArrayList<>(1);
        }
        singles.add(connection);
    }

    /** Removes a connection of either kind; returns false if it was not there. */
    boolean remove(Connection connection) {
        return connections.remove(connection) || singles.remove(connection);
    }

    /** All connections of the user. */
    List<Connection> all() {
        if (singles.isEmpty()) {
            return connections;
        }
        List<Connection> all = new ArrayList<>(connections);
        all.addAll(singles);
        return all;
    }

    /** The number of the user's connections. */
    int count() {
        return connections.size() + singles.size();
    }

    Set<Channel> channels() {
        return Collections.unmodifiableSet(channels.keySet());
    }

    int size() {
        return channels.size();
    }

    /** Adds a subscription; returns whether it is new. */
    boolean subscribe(Channel channel) {
        ChannelEntry before = channels.get(channel);
        put(channel, new ChannelEntry(next(), false, isShared(before)));
        if (ended != null) {
            ended.remove(channel);
        }
        return before == null;
    }

    private void put(Channel channel, ChannelEntry entry) {
        if (channels.isEmpty()) {
            channels = new HashMap<>();
        }
        channels.put(channel, entry);
    }

    /**
     * Ends a subscription. Returns the negative time; 0 if there was no such subscription, nor one yet to be restored.
     */
    long unsubscribe(Channel channel) {
        boolean restoring = restoring();
        keepEnded(channel, Long.MAX_VALUE);
        ChannelEntry before = channels.remove(channel);
        return before == null && !restoring ? 0 : -next();
    }

    private void keepEnded(Channel channel, long at) {
        if (!restoring() || ended == null) {
            return;
        }
        if (ended.size() < maxEnded || ended.containsKey(channel)) {
            if (ended.isEmpty()) {
                ended = new HashMap<>(2);
            }
            ended.merge(channel.compact(), at, Math::max);
        } else {
            overflowed = true;
        }
    }

    /**
     * Ends a subscription because the user unsubscribed on another pod; returns whether there was one that is not
     * newer.
     */
    boolean end(Channel channel, long at) {
        newest = Math.max(newest, at);
        keepEnded(channel, at);
        ChannelEntry known = channels.get(channel);
        return known != null && known.at <= at && channels.remove(channel) != null;
    }

    /** Returns the time, but always later than any known time, even if another pod's clock was ahead. */
    private long next() {
        newest = Math.max(System.currentTimeMillis(), newest + 1);
        return newest;
    }

    boolean isShared(Channel channel) {
        return isShared(channels.get(channel));
    }

    /** Allows lingering subscriptions to be restored for some seconds. */
    void startRestoring() {
        boolean restoring = restoring();
        if (overflowed) {
            // Stamps that were discarded may still arrive.
            return;
        }
        if (!restoring) {
            ended = Collections.emptyMap();
        }
        restoringUntil = System.nanoTime() + RESTORING_NANOS;
    }

    boolean restoring() {
        if (ended != null && System.nanoTime() - restoringUntil >= 0) {
            ended = null;
            overflowed = false;
        }
        return ended != null && !overflowed;
    }

    /** Whether a subscription of an earlier connection is missing: it does not exist and was not ended since. */
    boolean lacks(Channel channel, long at) {
        return !channels.containsKey(channel) && !overflowed && (ended == null || ended.getOrDefault(channel, 0L) < at);
    }

    /** Restores a subscription of an earlier connection; returns false if it exists or was ended meanwhile. */
    boolean restore(Channel channel, long at) {
        boolean restored = restoring() && lacks(channel, at);
        if (restored) {
            put(channel.compact(), new ChannelEntry(at, true, true));
            newest = Math.max(newest, at);
        }
        return restored;
    }

    /** Returns the oldest restored subscription, which is the first to make room. */
    @Nullable
    Channel oldestRestored() {
        return channels.entrySet().stream()
                .filter(entry -> entry.getValue().restored)
                .min(Comparator.comparingLong(entry -> entry.getValue().at))
                .map(Map.Entry::getKey)
                .orElse(null);
    }

    /** Returns the time of each subscription. */
    Map<Channel, Long> stamps() {
        Map<Channel, Long> stamps = new HashMap<>();
        channels.forEach((channel, subscription) -> stamps.put(channel, subscription.at));
        return stamps;
    }

    /** Returns the same, and records that other pods know of them. */
    Map<Channel, Long> share() {
        channels.replaceAll((channel, subscription) -> new ChannelEntry(subscription.at, subscription.restored, true));
        return stamps();
    }

    /** Ends all subscriptions. */
    void clear() {
        channels.clear();
    }

    /** Drops subscriptions that none of the remaining connections may hear. */
    void dropUnheard() {
        channels.keySet().removeIf(channel -> connections.stream().noneMatch(one -> one.mayHear(channel)));
    }

    private static boolean isShared(@Nullable ChannelEntry subscription) {
        return subscription != null && subscription.shared;
    }
}
