package dev.sluice.clock;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Names the points of the order in which Redis publishes, so that all pods that hear it give one point one name. Every pod
 * counts from the ticks that pods publish. It holds the first tick that it hears, and vouches for names once another tick
 * names that one as the tick before: a tick that was published at the same time as another, late, or twice is followed by
 * none. Each tick says what its publisher heard before; where pods differ, all say so, and those not in a majority
 * begin again. The rules only, without time, chance or I/O; whoever feeds it sees to those. Confined to one thread.
 */
public final class Clock {

    /** What a tick that was heard is to the pod. */
    public enum Heard {
        /** The next one of the era. */
        NEXT,
        /**
         * This pod has heard something else than most others, and vouches for nothing any more. It begins again with this
         * tick.
         */
        LOST,
        /** With it, the pod begins to vouch for positions of an era. */
        ADOPTED,
        /** It may become the pod's era. */
        HELD,
        /** One of an era that gives way to the pod's, or not the next one. */
        IGNORED
    }

    /** Ticks in a row before a pod that vouches leaves its era for another: its clients lose their positions. */
    private static final int BEFORE_LEAVING = 2;

    private final long pod;

    /** What the pod counts, once it has heard a tick. */
    private @Nullable Chain own;

    /** An era that the pod may leave its own for. */
    private @Nullable Chain rival;

    /** On what was heard in the pod's era. */
    private Votes votes = new Votes();

    private long lostAfter;

    /**
     * A clock that has heard nothing.
     *
     * @param pod tells pods apart; chosen by chance
     */
    public Clock(long pod) {
        this.pod = pod;
    }

    /** Whether a tick was heard, so that messages count. */
    public boolean hears() {
        return own != null;
    }

    /** Whether the names that the pod gives are those of all others. */
    public boolean vouches() {
        return own != null && own.proven();
    }

    /**
     * Behind the last message that was heard, or {@code null} where it has no name: the pod does not vouch, or has heard more
     * since the last tick than can be named.
     */
    public @Nullable Position position() {
        return own != null && own.proven() ? own.position() : null;
    }

    /** A message was heard on the patterns, whatever becomes of it. */
    public void count(int channelHash, int length) {
        if (own != null) {
            own.count(channelHash, length);
        }
        if (rival != null) {
            rival.count(channelHash, length);
        }
    }

    /** A tick was heard. */
    public Heard hear(Tick tick) {
        if (own != null && own.proven() && own.era().equals(tick.era())) {
            // Nobody publishes the tick after the next: this pod has missed one.
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

    /** What another pod has heard up to a tick, which it says only where pods differ. */
    public void hear(Summary other) {
        if (own == null || !own.proven() || !own.era().equals(other.era())) {
            return;
        }
        votes.count(other);
    }

    /** Whether pods differ and the next tick decides. */
    public boolean votes() {
        return votes.areOpen();
    }

    /** What is to be published because pods differ, once; {@code null} where there is nothing. */
    public @Nullable Summary takeSummary() {
        return votes.takeSummary();
    }

    /** After {@link Heard#LOST}: the number of the last tick up to which this pod has certainly heard what others have. */
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
        Summary summary = chain.summary(pod);
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

    /** The tick to publish, or {@code null} while the pod does not vouch. Whether it counts is seen once it is heard. */
    public @Nullable Tick next(long nonce) {
        return own != null && own.proven() ? own.next(nonce) : null;
    }

    /** Something may not have been heard: no name holds any more. */
    public void forget() {
        own = null;
        rival = null;
        votes = new Votes();
    }
}
