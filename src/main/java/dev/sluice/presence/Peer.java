package dev.sluice.presence;

import dev.sluice.route.Channel;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What this pod knows of another one. Not thread-safe. */
final class Peer {

    /** The number of the newest message, so that copies of earlier ones are ignored. */
    long number = -1;

    /** The version of {@link #users}; -1 before these are known. */
    long version = -1;

    /** Whether the users are those of the version that the pod last told. */
    boolean synced;

    /** Whether the pod has told its version since the subscription became live. */
    boolean confirmed;

    /** Whether it had more users than this pod could store. */
    boolean refused;

    /** Whether this pod has asked for them again, because there is room. */
    boolean retried;

    long heardAt;
    long wantedAt;
    long unsyncedSince;
    Map<Channel, Set<String>> users = new HashMap<>();
    int size;

    /** The parts received of all its users; {@code null} unless some are missing. */
    @Nullable
    Parts parts;

    /** The parts of one message. */
    static final class Parts {
        final long version;
        final Map<Channel, Set<String>> users = new HashMap<>();
        int next;
        int size;

        Parts(long version) {
            this.version = version;
        }

        void add(Channel channel, String user) {
            if (users.computeIfAbsent(channel, x -> new HashSet<>()).add(user)) {
                size++;
            }
        }
    }

    /**
     * Creates a pod of which nothing is known.
     *
     * @param wantedAt long enough ago to ask it at once
     */
    Peer(long now, long wantedAt) {
        this.heardAt = now;
        this.unsyncedSince = now;
        this.wantedAt = wantedAt;
    }

    /** Whether its users are to be asked for. */
    boolean isWanted() {
        return !synced && (!refused || retried);
    }

    /** Whether nothing of it is missing, except what this pod could not store. */
    boolean isSettled() {
        return synced || refused;
    }

    boolean has(Channel channel, String user) {
        Set<String> those = users.get(channel);
        return those != null && those.contains(user);
    }

    boolean add(Channel channel, String user) {
        boolean added = users.computeIfAbsent(channel, x -> new HashSet<>()).add(user);
        size += added ? 1 : 0;
        return added;
    }

    boolean remove(Channel channel, String user) {
        Set<String> those = users.get(channel);
        if (those == null || !those.remove(user)) {
            return false;
        }
        size--;
        if (those.isEmpty()) {
            users.remove(channel);
        }
        return true;
    }
}
