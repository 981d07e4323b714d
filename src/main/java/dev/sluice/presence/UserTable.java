package dev.sluice.presence;

import dev.sluice.route.Channel;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The users present on each channel, and what watchers have been told of them. A user is present while at least one pod
 * has a connection of the user that receives the channel, and for a grace period after that. Watchers are told changes
 * late, but in an order such that a list of the told users, followed by the events after it, gives the told users. Not
 * thread-safe.
 */
final class UserTable {

    /** Those who are told. */
    interface Audience {
        /** The number of connections to which an event of the channel is sent. */
        int watching(Channel channel);

        /** A user has joined or left. */
        void changed(Channel channel, String user, boolean present);

        /** The channel has more users than allowed, so that its events stop. */
        void crowded(Channel channel);

        /** A user leaves without grace, because no more users may be known. */
        void graceless();
    }

    /**
     * The users whom watchers know.
     *
     * @param names in order
     * @param count how many are present; differs from the names only if these are not all
     * @param complete whether the names are of all who are present
     */
    record Told(List<String> names, int count, boolean complete) {}

    private static final class User {
        /** The number of pods on which the user receives the channel. */
        private int pods;

        private boolean lingers;
        private long until;

        /** Whether the end of a grace is scheduled, maybe an earlier one. */
        private boolean scheduled;

        private boolean told;

        /** Whether a change waits to be told. */
        private boolean queued;

        boolean present() {
            return pods > 0 || lingers;
        }
    }

    private static final class Users {
        private final Map<String, User> byName = new HashMap<>();
        private int present;
        private boolean crowded;
    }

    private record Change(Channel channel, String name, User user) {}

    private record Expiry(long at, Channel channel, String name, User user) {}

    private final long graceNanos;
    private final int maxUsers;
    private final int maxKnown;
    private final LongSupplier nanoTime;
    private final Audience audience;
    private final Map<Channel, Users> channels = new HashMap<>();
    private final PriorityQueue<Expiry> expiries;
    private final Deque<Change> queue = new ArrayDeque<>();

    /** The pairs of a user and a channel that are present on other pods, each pod counted, and those in their grace. */
    private int known;

    private boolean silent = true;
    private boolean frozen;

    /**
     * Creates a table without users.
     *
     * @param maxUsers the present users of a channel of which watchers are told
     * @param maxKnown the pairs of a user and a channel on other pods or in their grace
     */
    UserTable(long graceNanos, int maxUsers, int maxKnown, LongSupplier nanoTime, Audience audience) {
        this.graceNanos = graceNanos;
        this.maxUsers = maxUsers;
        this.maxKnown = maxKnown;
        this.nanoTime = nanoTime;
        this.audience = audience;
        long epoch = nanoTime.getAsLong();
        this.expiries = new PriorityQueue<>(Comparator.comparingLong(expiry -> expiry.at - epoch));
    }

    /** Ends the time in which changes are not told, because this pod does not know the others yet. */
    void speak() {
        silent = false;
    }

    /** Stops to tell changes, until {@link #thaw}. */
    void freeze() {
        frozen = true;
    }

    /** Tells what has changed since {@link #freeze}. */
    void thaw() {
        if (!frozen) {
            return;
        }
        frozen = false;
        List.copyOf(channels.keySet()).forEach(this::revise);
    }

    boolean hasRoomFor(int more) {
        return known + more <= maxKnown;
    }

    /** Whether at most nine tenths of the allowed pairs would be known. */
    boolean hasMuchRoomFor(int more) {
        return known + (long) more <= maxKnown * 9L / 10;
    }

    /** A pod begins to have connections of the user that receive the channel. */
    void appeared(Channel channel, String name, boolean here) {
        Users users = channels.computeIfAbsent(channel, x -> new Users());
        User user = users.byName.computeIfAbsent(name, x -> new User());
        boolean before = user.present();
        user.pods++;
        known += here ? 0 : 1;
        if (user.lingers) {
            user.lingers = false;
            known--;
        }
        if (!before) {
            entered(channel, users);
            change(channel, users, name, user);
        }
    }

    /** A pod has no more such connections. */
    void vanished(Channel channel, String name, boolean here) {
        Users users = channels.get(channel);
        User user = users == null ? null : users.byName.get(name);
        if (users == null || user == null || user.pods == 0) {
            return;
        }
        user.pods--;
        known -= here ? 0 : 1;
        if (user.pods > 0) {
            return;
        }
        if (graceNanos > 0 && hasRoomFor(1)) {
            linger(channel, name, user, graceNanos);
        } else {
            if (graceNanos > 0) {
                audience.graceless();
            }
            leave(channel, users, name, user);
        }
    }

    /** A pod had such connections for a moment: the grace of the user begins again. */
    void flashed(Channel channel, String name) {
        Users users = channels.get(channel);
        User user = users == null ? null : users.byName.get(name);
        if (user != null && user.lingers) {
            user.until = nanoTime.getAsLong() + graceNanos;
        }
    }

    /** Another pod knows of a user in grace. Ignored if this pod has told a client anything. */
    void lingering(Channel channel, String name, long nanos) {
        if (!silent || nanos <= 0 || !hasRoomFor(1)) {
            return;
        }
        Users users = channels.computeIfAbsent(channel, x -> new Users());
        User user = users.byName.computeIfAbsent(name, x -> new User());
        if (!user.present()) {
            linger(channel, name, user, Math.min(nanos, graceNanos));
            entered(channel, users);
            change(channel, users, name, user);
        }
    }

    private void linger(Channel channel, String name, User user, long nanos) {
        user.lingers = true;
        user.until = nanoTime.getAsLong() + nanos;
        known++;
        schedule(channel, name, user);
    }

    private void schedule(Channel channel, String name, User user) {
        if (!user.scheduled) {
            user.scheduled = true;
            expiries.add(new Expiry(user.until, channel, name, user));
        }
    }

    /** Ends the graces that are over. */
    void expire() {
        long now = nanoTime.getAsLong();
        for (Expiry next = expiries.peek(); next != null && next.at - now <= 0; next = expiries.peek()) {
            expiries.remove();
            User user = next.user;
            user.scheduled = false;
            if (!user.lingers) {
                continue;
            }
            Users users = channels.get(next.channel);
            if (user.until - now > 0) {
                schedule(next.channel, next.name, user);
            } else if (users != null) {
                user.lingers = false;
                known--;
                leave(next.channel, users, next.name, user);
            }
        }
    }

    private void entered(Channel channel, Users users) {
        if (++users.present > maxUsers && !users.crowded) {
            users.crowded = true;
            audience.crowded(channel);
        }
    }

    private void leave(Channel channel, Users users, String name, User user) {
        users.present--;
        change(channel, users, name, user);
        // Some below the limit, so that a channel at the limit does not stop and start again and again.
        if (users.crowded && users.present <= maxUsers - maxUsers / 10) {
            users.crowded = false;
            revise(channel);
        }
    }

    private void revise(Channel channel) {
        Users users = channels.get(channel);
        if (users != null) {
            List.copyOf(users.byName.entrySet())
                    .forEach(entry -> change(channel, users, entry.getKey(), entry.getValue()));
        }
    }

    private void change(Channel channel, Users users, String name, User user) {
        if (user.told != user.present() && !users.crowded && !frozen) {
            if (silent || audience.watching(channel) == 0) {
                user.told = user.present();
            } else if (!user.queued) {
                user.queued = true;
                queue.add(new Change(channel, name, user));
            }
        }
        forgetIfAbsent(channel, users, name, user);
    }

    private void forgetIfAbsent(Channel channel, Users users, String name, User user) {
        if (!user.present() && !user.told && !user.queued) {
            users.byName.remove(name, user);
            if (users.byName.isEmpty()) {
                channels.remove(channel, users);
            }
        }
    }

    /** Tells watchers what has changed, until about that many frames are to be sent. */
    void tell(int frames) {
        int left = frames;
        while (left > 0 && !queue.isEmpty()) {
            left -= tell(queue.remove());
        }
    }

    private int tell(Change change) {
        User user = change.user;
        user.queued = false;
        Users users = channels.get(change.channel);
        if (users == null) {
            return 0;
        }
        int frames = 0;
        if (user.told != user.present() && !users.crowded && !frozen) {
            user.told = user.present();
            frames = audience.watching(change.channel);
            if (frames > 0) {
                audience.changed(change.channel, change.name, user.told);
            }
        }
        forgetIfAbsent(change.channel, users, change.name, user);
        return frames;
    }

    /** Returns the users whom watchers of the channel know; all later events add to these. */
    Told told(Channel channel) {
        Users users = channels.get(channel);
        if (users == null) {
            return new Told(List.of(), 0, !frozen);
        }
        List<String> names = users.byName.entrySet().stream()
                .filter(entry -> entry.getValue().told)
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
        return users.crowded || frozen ? new Told(names, users.present, false) : new Told(names, names.size(), true);
    }

    /** Tells a change of one user now. */
    void tellNow(Channel channel, String name) {
        Users users = channels.get(channel);
        User user = users == null ? null : users.byName.get(name);
        if (user != null && user.queued) {
            // What stays in the queue finds nothing to tell.
            tell(new Change(channel, name, user));
        }
    }

    /** A user in grace, and what is left of it. */
    record Lingering(Channel channel, String name, long nanos) {}

    /** Returns the users in their grace. */
    Collection<Lingering> lingering() {
        long now = nanoTime.getAsLong();
        return expiries.stream()
                .filter(expiry -> expiry.user.lingers)
                .map(expiry -> new Lingering(expiry.channel, expiry.name, Math.max(0, expiry.user.until - now)))
                .toList();
    }

    /** The number of pairs on other pods and of those in their grace. */
    int known() {
        return known;
    }

    /** The number of changes that wait to be told. */
    int queued() {
        return queue.size();
    }

    /** Whether the table knows of no user. */
    boolean isEmpty() {
        return channels.isEmpty() && queue.isEmpty() && known == 0;
    }

    /** Returns whether the user is present; for tests. */
    boolean isPresent(Channel channel, String name) {
        Users users = channels.get(channel);
        @Nullable User user = users == null ? null : users.byName.get(name);
        return user != null && user.present();
    }
}
