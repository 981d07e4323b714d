package dev.sluice.clock;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** What this pod heard up to each of the last ticks of its era, and the votes on them. */
final class Votes {

    /** Ticks about which another pod may still object: it may be late, but not for long. */
    private static final int KEPT = 8;

    /** Ticks after which the publishers have compared what was heard. */
    private static final int UNCHECKED = 2;

    private final Deque<Vote> votes = new ArrayDeque<>();
    private final Deque<Summary> unpublished = new ArrayDeque<>();
    private long newest;

    /** This pod counts from another tick. */
    void add(Summary own) {
        votes.addLast(new Vote(own));
        if (votes.size() > KEPT) {
            votes.removeFirst();
        }
    }

    /** Whether the tick ends a vote that this pod has lost. */
    boolean lost(Tick tick) {
        boolean lost = false;
        for (Vote vote : votes) {
            lost |= vote.ends(tick) && vote.lost();
        }
        return lost;
    }

    /**
     * The number of the last tick up to which this pod has certainly heard what others have heard, before what {@link #lost}
     * has decided is forgotten.
     *
     * @param number of the last tick from which it counts
     */
    long certain(long number) {
        return votes.stream()
                .filter(vote -> !vote.isNew())
                .mapToLong(vote -> vote.own().number() - 1)
                .reduce(number - UNCHECKED, Math::min);
    }

    /** Opens a vote where the publisher of the tick has heard something else up to the tick before. */
    void compare(Tick tick) {
        newest = Math.max(newest, tick.number());
        Vote vote = about(tick.number() - 1);
        if (vote != null && !vote.own().agrees(tick)) {
            open(vote);
        }
    }

    /** Counts what another pod has heard. */
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

    /** Whether the next tick decides something. */
    boolean areOpen() {
        return votes.stream().anyMatch(Vote::isOpen);
    }

    /** What is to be published, once each. */
    @Nullable
    Summary takeSummary() {
        return unpublished.poll();
    }
}
