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

    /** Between the two last ticks. */
    private @Nullable Stretch before;

    Chain(Tick first) {
        era = first.era();
        number = first.number();
        nonce = first.nonce();
    }

    Era era() {
        return era;
    }

    /** Of the last tick. */
    long number() {
        return number;
    }

    /** How many ticks have followed the first. */
    int followed() {
        return followed;
    }

    /** Behind the last message; {@code null} where it has no name. */
    @Nullable
    Position position() {
        return messages <= Position.MAX_MESSAGES ? Position.of(era, number, (int) messages, nonce) : null;
    }

    /** The tick that follows; {@code null} where numbers have run out. */
    @Nullable
    Tick next(long nextNonce) {
        return number < Position.MAX_TICK ? new Tick(era, number + 1, nextNonce, nonce, before) : null;
    }

    /** Of two eras the one with more ticks stays, then the older one. */
    boolean isBeatenBy(Tick tick) {
        return tick.number() > number || (tick.number() == number && tick.era().compareTo(era) < 0);
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

    /** Of what was heard up to the last tick; {@code null} where it is the first. */
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
