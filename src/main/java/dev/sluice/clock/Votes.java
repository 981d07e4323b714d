package dev.sluice.clock;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** The pod's summaries for the last ticks of its era, and the votes on them. */
final class Votes {

    /** The number of ticks about which another pod may still object. */
    private static final int MAX_VOTES = 8;

    /** The number of ticks after which publishers have compared what they heard. */
    private static final int UNCHECKED = 2;

    private final Deque<Vote> votes = new ArrayDeque<>();
    private final Deque<Summary> unpublished = new ArrayDeque<>();
    private long newest;

    /** Adds the pod's summary for the next tick. */
    void add(Summary own) {
        votes.addLast(new Vote(own));
        if (votes.size() > MAX_VOTES) {
            votes.removeFirst();
        }
    }

    /** Whether the tick ends a vote that this pod loses. */
    boolean lost(Tick tick) {
        boolean lost = false;
        for (Vote vote : votes) {
            lost |= vote.ends(tick) && vote.lost();
        }
        return lost;
    }

    /**
     * Returns the number of the last tick up to which this pod certainly heard the same as the others. To be called
     * before the outcome of {@link #lost} is discarded.
     *
     * @param number of the last tick from which it counts
     */
    long certain(long number) {
        return votes.stream()
                .filter(vote -> !vote.isNew())
                .mapToLong(vote -> vote.own().number() - 1)
                .reduce(number - UNCHECKED, Math::min);
    }

    /** Opens a vote if the publisher of the tick heard other messages up to the previous tick. */
    void compare(Tick tick) {
        newest = Math.max(newest, tick.number());
        Vote vote = about(tick.number() - 1);
        if (vote != null && !vote.own().agrees(tick)) {
            open(vote);
        }
    }

    /** Counts the summary of another pod. */
    void count(Summary other) {
        Vote vote = about(other.number());
        if (vote != null) {
            open(vote);
            vote.count(other);
        }
    }

    private void open(Vote vote) {
        if (vote.isNew()) {
            vote.open(newest);
            unpublished.add(vote.own());
        }
    }

    private @Nullable Vote about(long number) {
        for (Vote vote : votes) {
            if (vote.own().number() == number) {
                return vote;
            }
        }
        return null;
    }

    /** Whether the next tick decides a vote. */
    boolean areOpen() {
        return votes.stream().anyMatch(Vote::isOpen);
    }

    /** Returns the next summary to publish; each is returned once. */
    @Nullable
    Summary takeSummary() {
        return unpublished.poll();
    }
}
