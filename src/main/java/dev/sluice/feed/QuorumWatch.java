package dev.sluice.feed;

import dev.sluice.redis.ClusterContacts;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Until when a master of a Redis Cluster certainly had no successor. Replicas replace a master that is not in contact with
 * most others, and it learns this only after it is in contact again. A pod that is cut off together with it hears all its beats.
 * Survives the replacement of the connections that publish beats. Confined to the feed's thread.
 */
final class QuorumWatch {

    /**
     * How long a master may take to learn of its successor once it is in contact again. Redis refuses writes for at most that
     * long then.
     */
    static final Duration LEARNING = Duration.ofSeconds(5);

    /** How many nodes a master may tell of with each beat. With more it is asked less often. */
    private static final int NODES_PER_BEAT = 16;

    /** So that a pod learns soon that its master is cut off, whatever the number of nodes. */
    private static final int MAX_SKIPPED = 5;

    /**
     * A time by both clocks of the pod.
     *
     * @param at the time of day, which may be set back
     * @param nanos of the clock that is never set back, but stands still while the machine is suspended
     */
    record Moment(Instant at, long nanos) {

        boolean isAfter(Moment other) {
            return nanos - other.nanos > 0;
        }
    }

    /**
     * What is known of another master.
     *
     * @param pong when it answered last, in milliseconds of the asked master's clock
     * @param asked when this was asked last: a later answer came after that
     * @param reached after when it certainly answered
     */
    private record Contact(long pong, Moment asked, Moment reached) {

        Contact told(long later, Moment at) {
            // A smaller time is that of a clock that was set back: only what follows proves an answer again.
            return new Contact(later, at, later > pong && pong > 0 ? asked : reached);
        }
    }

    private final Time time;
    private final Runnable onRefused;
    private final Moment start;
    private final Map<String, Contact> contacts = new HashMap<>();
    private int skip;

    /** {@code null} until the master has told. */
    private @Nullable Moment until;

    /** What {@link #until} will be, once the master would have learned of a successor. */
    private Moment next;

    private long nextNanos;

    /** @param onRefused run when the master refuses to tell */
    QuorumWatch(Time time, Runnable onRefused) {
        this.time = time;
        this.onRefused = onRefused;
        this.start = now();
        this.next = start;
        this.nextNanos = time.nanos();
    }

    Moment now() {
        return new Moment(time.now(), time.nanos());
    }

    /** The master refuses to tell. Then each of its beats proves that everything was heard. */
    void refused() {
        onRefused.run();
    }

    /** Whether to ask with this beat. */
    boolean isDue() {
        return skip-- <= 0;
    }

    /**
     * The master has told. Returns whether it is in contact with most masters.
     *
     * @param asked when it was asked
     */
    boolean told(ClusterContacts told, Moment asked) {
        skip = Math.min(told.nodes() / NODES_PER_BEAT, MAX_SKIPPED);
        contacts.keySet()
                .retainAll(told.others().stream().map(ClusterContacts.Other::id).toList());
        for (ClusterContacts.Other other : told.others()) {
            Contact known = contacts.getOrDefault(other.id(), new Contact(other.pong(), asked, start));
            contacts.put(other.id(), known.told(other.pong(), asked));
        }
        if (until == null) {
            until = start;
        } else if (time.nanos() - nextNanos >= LEARNING.toNanos()) {
            until = later(until, next);
            next = reached(told.quorum(), asked);
            nextNanos = time.nanos();
        }
        return told.hasQuorum();
    }

    /** Returns after when so many other masters have certainly answered. */
    private Moment reached(int quorum, Moment asked) {
        long now = time.nanos();
        List<Moment> newest = contacts.values().stream()
                .map(Contact::reached)
                .sorted(Comparator.comparingLong(moment -> now - moment.nanos))
                .toList();
        return quorum == 0 ? asked : newest.get(quorum - 1);
    }

    private static Moment later(Moment one, Moment other) {
        return one.isAfter(other) ? one : other;
    }

    /** Returns until when everything was heard that was published on the master or on a successor. */
    Instant heardUntil(Instant lastBeat) {
        if (until == null) {
            return lastBeat;
        }
        Instant byElapsed = time.now().minusNanos(time.nanos() - until.nanos);
        Instant limit = byElapsed.isBefore(until.at) ? byElapsed : until.at;
        return lastBeat.isBefore(limit) ? lastBeat : limit;
    }
}
