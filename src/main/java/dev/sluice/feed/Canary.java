package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The outstanding beats of one connection: messages that Sluice publishes to itself and has not heard yet. Their number
 * is at most the number of beats that may be missed in a row. Confined to the feed's thread.
 */
final class Canary {

    private record Beat(long number, long nanos, Instant sent) {}

    private final int missedBeats;
    private final Time time;
    private final Deque<Beat> awaited = new ArrayDeque<>();

    /**
     * A canary that has sent no beat yet.
     *
     * @param missedBeats beats in a row that may be missed
     */
    Canary(int missedBeats, Time time) {
        this.missedBeats = missedBeats;
        this.time = time;
    }

    /** Whether the maximum number of beats is outstanding. */
    boolean silent() {
        return awaited.size() >= missedBeats;
    }

    /** Records a beat that is published now; numbers rise. */
    void await(long number) {
        awaited.add(new Beat(number, time.nanos(), time.now()));
    }

    /** Returns the beat that was heard, and discards earlier ones; {@code null} if it was not outstanding. */
    @Nullable
    Heard heard(long beat) {
        if (awaited.stream().noneMatch(sent -> sent.number() == beat)) {
            return null;
        }
        Beat sent = awaited.remove();
        while (sent.number() != beat) {
            sent = awaited.remove();
        }
        return new Heard(sent.sent(), Duration.ofNanos(time.nanos() - sent.nanos()));
    }

    /** Discards outstanding beats, because reading is paused. */
    void forget() {
        awaited.clear();
    }

    /**
     * A beat that was heard.
     *
     * @param sent when it was published
     * @param latency from its publication until it was heard
     */
    record Heard(Instant sent, Duration latency) {}
}
