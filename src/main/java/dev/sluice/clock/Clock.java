package dev.sluice.clock;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Names the points of the order in which Redis publishes, so that all pods that hear it give one point one name. Every pod
 * counts from the ticks that pods publish. It holds the first tick that it hears, and vouches for names once another tick
 * names that one as the tick before: a tick that was published at the same time as another, late, or twice is followed by
 * none. The rules only, without time, chance or I/O; whoever feeds it sees to those. Confined to one thread.
 */
public final class Clock {

    /** What a tick that was heard is to the pod. */
    public enum Heard {
        /** The next one of the era. */
        NEXT,
        /** The next one of the era, and what the publisher heard before is something else than what this pod heard. */
        DIFFERENT,
        /** With it, the pod begins to vouch for positions of an era. */
        ADOPTED,
        /** It may become the pod's era. */
        HELD,
        /** One of an era that gives way to the pod's, or not the next one. */
        IGNORED
    }

    /** Ticks in a row before a pod that vouches leaves its era for another: its clients lose their positions. */
    private static final int BEFORE_LEAVING = 2;

    /** What the pod counts, once it has heard a tick. */
    private @Nullable Chain own;

    /** An era that the pod may leave its own for. */
    private @Nullable Chain rival;

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
        return own != null && own.proven() && own.messages <= Position.MAX_MESSAGES
                ? Position.of(own.era, own.number, (int) own.messages, own.nonce)
                : null;
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
        if (own != null && own.precedes(tick)) {
            return next(own, tick);
        }
        if (rival != null && rival.precedes(tick)) {
            rival.advance(tick);
            return mayLeave(tick) ? adopt(rival) : Heard.HELD;
        }
        Chain began = new Chain(tick);
        if (own == null || (!own.proven() && (began.proven() || beats(tick, own)))) {
            return adopt(began);
        }
        if (!own.proven() || (beats(tick, own) && (rival == null || beats(tick, rival)))) {
            rival = began;
            return Heard.HELD;
        }
        return Heard.IGNORED;
    }

    private boolean mayLeave(Tick followed) {
        Chain left = Objects.requireNonNull(own);
        return !left.proven() || (Objects.requireNonNull(rival).followed >= BEFORE_LEAVING && beats(followed, left));
    }

    private Heard adopt(Chain chain) {
        own = chain;
        rival = null;
        return chain.proven() ? Heard.ADOPTED : Heard.HELD;
    }

    private static Heard next(Chain chain, Tick tick) {
        boolean proven = chain.proven();
        boolean different = chain.before != null && tick.stretch() != null && !chain.before.equals(tick.stretch());
        chain.advance(tick);
        if (different) {
            return Heard.DIFFERENT;
        }
        return proven ? Heard.NEXT : Heard.ADOPTED;
    }

    /** The tick to publish, or {@code null} while the pod does not vouch. Whether it counts is seen once it is heard. */
    public @Nullable Tick next(long nonce) {
        return own != null && own.proven() && own.number < Position.MAX_TICK
                ? new Tick(own.era, own.number + 1, nonce, own.nonce, own.before)
                : null;
    }

    /** Something may not have been heard: no name holds any more. */
    public void forget() {
        own = null;
        rival = null;
    }

    /** Of two eras the one with more ticks stays, then the older one. */
    private static boolean beats(Tick tick, Chain chain) {
        return tick.number() > chain.number
                || (tick.number() == chain.number && tick.era().compareTo(chain.era) < 0);
    }

    /** The ticks of one era that the pod has heard, each of which names the one before. */
    private static final class Chain {

        private final Era era;
        private long number;
        private long nonce;
        private int followed;
        private long messages;
        private long hash;

        /** Between the two last ticks. */
        private @Nullable Stretch before;

        Chain(Tick first) {
            era = first.era();
            number = first.number();
            nonce = first.nonce();
        }

        /** Whether it is certain that all others count from the same ticks. Nobody but the founder publishes the first. */
        boolean proven() {
            return followed > 0 || number == 1;
        }

        void count(int channelHash, int length) {
            messages++;
            hash = Stretch.hash(hash, channelHash, length);
        }

        boolean precedes(Tick tick) {
            return tick.era().equals(era) && tick.number() == number + 1 && tick.previous() == nonce;
        }

        void advance(Tick tick) {
            number = tick.number();
            nonce = tick.nonce();
            followed++;
            before = new Stretch(messages, hash);
            messages = 0;
            hash = 0;
        }
    }
}
