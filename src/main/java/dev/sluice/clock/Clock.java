package dev.sluice.clock;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Numbers the publications of Redis, so that all pods give each of them the same position. Each pod counts from the
 * ticks that pods publish. It holds the first tick that it hears, and proves its positions when another tick names that
 * one as the previous tick. A tick that was published late, twice, or at the same time as another has no such
 * successor. Each tick states what its publisher heard before. If pods differ, all of them publish a summary, and the
 * minority starts again. This class has only the rules, without time, randomness or I/O. Confined to one thread.
 */
public final class Clock {

    /** What a heard tick means for the pod. */
    public enum Heard {
        /** The next tick of the pod's era. */
        NEXT,
        /**
         * The pod heard other messages than the majority, so its positions are no longer proven. It starts again with
         * this tick.
         */
        LOST,
        /** The tick proves the pod's positions in an era. */
        ADOPTED,
        /** The tick's era may become the pod's era. */
        HELD,
        /** A tick of an era that loses against the pod's, or not the next tick. */
        IGNORED
    }

    /**
     * Consecutive ticks before a pod with proven positions changes to another era, whereby its clients lose their
     * positions.
     */
    private static final int BEFORE_LEAVING = 2;

    private final long pod;
    private final boolean compares;

    /** The pod's era; {@code null} before the first tick. */
    private @Nullable Chain own;

    /** Another era that the pod may change to. */
    private @Nullable Chain rival;

    /** Votes about the messages that were heard in the pod's era. */
    private Votes votes = new Votes();

    private long lostAfter;

    /**
     * Creates a clock that has heard nothing.
     *
     * @param pod tells pods apart; chosen by chance
     */
    public Clock(long pod) {
        this(pod, true);
    }

    /** @param compares whether all pods hear the same messages, so that they can compare what they heard */
    public Clock(long pod, boolean compares) {
        this.pod = pod;
        this.compares = compares;
    }

    /** Whether a tick was heard, so that messages are counted. */
    public boolean hears() {
        return own != null;
    }

    /** Whether the pod's positions are proven to equal those of all other pods. */
    public boolean vouches() {
        return own != null && own.proven();
    }

    /**
     * Returns the position after the last message that was heard, or {@code null} if it is not proven or the counter is
     * full.
     */
    public @Nullable Position position() {
        return own != null && own.proven() ? own.position() : null;
    }

    /** Counts a message on the patterns, even one that is dropped later. */
    public void count(int channelHash, int length) {
        if (own != null) {
            own.count(channelHash, length);
        }
        if (rival != null) {
            rival.count(channelHash, length);
        }
    }

    /** Handles a tick. */
    public Heard hear(Tick tick) {
        if (own != null && own.proven() && own.era().equals(tick.era())) {
            // No pod publishes the tick after the next, so this pod has missed one.
            if (tick.number() > own.number() + 1 || votes.lost(tick)) {
                lostAfter = votes.certain(own.number());
                forget();
                hear(tick);
                return Heard.LOST;
            }
            votes.compare(tick);
        }
        if (own != null && own.precedes(tick)) {
            return next(own, tick);
        }
        if (rival != null && rival.precedes(tick)) {
            rival.advance(tick);
            return mayLeave(tick) ? adopt(rival) : Heard.HELD;
        }
        Chain began = new Chain(tick);
        if (own == null || (!own.proven() && (began.proven() || own.isBeatenBy(tick)))) {
            return adopt(began);
        }
        if (!own.proven() || (own.isBeatenBy(tick) && (rival == null || rival.isBeatenBy(tick)))) {
            rival = began;
            return Heard.HELD;
        }
        return Heard.IGNORED;
    }

    private boolean mayLeave(Tick followed) {
        Chain left = Objects.requireNonNull(own);
        return !left.proven()
                || (Objects.requireNonNull(rival).followed() >= BEFORE_LEAVING && left.isBeatenBy(followed));
    }

    /** Handles the summary of another pod, which pods publish only if they differ. */
    public void hear(Summary other) {
        if (own == null || !own.proven() || !own.era().equals(other.era())) {
            return;
        }
        votes.count(other);
    }

    /** Whether pods differ, so that the next tick decides. */
    public boolean votes() {
        return votes.areOpen();
    }

    /** Returns the summary to publish because pods differ, once; {@code null} if there is none. */
    public @Nullable Summary takeSummary() {
        return votes.takeSummary();
    }

    /**
     * After {@link Heard#LOST}: the number of the last tick up to which this pod certainly heard the same as the
     * others.
     */
    public long lostAfter() {
        return lostAfter;
    }

    private Heard adopt(Chain chain) {
        forget();
        own = chain;
        keepSummary(chain);
        return chain.proven() ? Heard.ADOPTED : Heard.HELD;
    }

    private void keepSummary(Chain chain) {
        Summary summary = compares ? chain.summary(pod) : null;
        if (summary != null) {
            votes.add(summary);
        }
    }

    private Heard next(Chain chain, Tick tick) {
        boolean proven = chain.proven();
        chain.advance(tick);
        keepSummary(chain);
        return proven ? Heard.NEXT : Heard.ADOPTED;
    }

    /**
     * Returns the tick to publish, or {@code null} while the pod's positions are not proven. The tick counts only when
     * it is heard.
     */
    public @Nullable Tick next(long nonce) {
        Tick next = own != null && own.proven() ? own.next(nonce) : null;
        return next == null || compares ? next : next.withoutStretch();
    }

    /** Discards the era, because the pod may have missed messages. */
    public void forget() {
        own = null;
        rival = null;
        votes = new Votes();
    }
}
