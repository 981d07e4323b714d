package dev.sluice.clock;

import org.jspecify.annotations.Nullable;

/** The ticks of one era that the pod has heard, each of which names the one before. */
final class Chain {

    private final Era era;
    private long number;
    private long nonce;
    private int followed;
    private long messages;
    private long hash;

    /** What was heard between the last two ticks. */
    private @Nullable Stretch before;

    Chain(Tick first) {
        era = first.era();
        number = first.number();
        nonce = first.nonce();
    }

    Era era() {
        return era;
    }

    /** The number of the last tick. */
    long number() {
        return number;
    }

    /** The number of ticks after the first. */
    int followed() {
        return followed;
    }

    /** The position after the last message; {@code null} if the counter is full. */
    @Nullable
    Position position() {
        return messages <= Position.MAX_MESSAGES ? Position.of(era, number, (int) messages, nonce) : null;
    }

    /** The next tick; {@code null} if the numbers have run out. */
    @Nullable
    Tick next(long nextNonce) {
        return number < Position.MAX_TICK ? new Tick(era, number + 1, nextNonce, nonce, before) : null;
    }

    /** Whether the tick's era wins: the era with more ticks wins, then the older one. */
    boolean isBeatenBy(Tick tick) {
        return tick.number() > number || (tick.number() == number && tick.era().compareTo(era) < 0);
    }

    /**
     * Whether all other pods certainly count from the same ticks. Only the founder publishes the first tick of an era.
     */
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

    /** What was heard up to the last tick; {@code null} if it is the first. */
    @Nullable
    Summary summary(long pod) {
        return before == null ? null : new Summary(pod, era, number, nonce, before);
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
