package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The beats of one link: publications of our own, which the link must hear. As many in a row as it may miss are the most
 * that are awaited. Not safe for use by several threads.
 */
final class Canary {

    private record Beat(long number, long nanos, Instant sent) {}

    private final int missedBeats;
    private final LongSupplier nanoTime;
    private final InstantSource clock;
    private final Deque<Beat> awaited = new ArrayDeque<>();

    /**
     * A canary that has sent no beat yet.
     *
     * @param missedBeats so many unheard beats in a row mean that nothing is heard
     */
    Canary(int missedBeats, LongSupplier nanoTime, InstantSource clock) {
        this.missedBeats = missedBeats;
        this.nanoTime = nanoTime;
        this.clock = clock;
    }

    /** Whether too many beats have not been heard. */
    boolean silent() {
        return awaited.size() >= missedBeats;
    }

    /** Awaits a beat that is sent now under that number, which is larger than any before it. */
    void await(long number) {
        awaited.add(new Beat(number, nanoTime.getAsLong(), clock.instant()));
    }

    /** What the beat that was heard tells; {@code null} where none was awaited by that number. */
    @Nullable
    Heard heard(long beat) {
        if (awaited.stream().noneMatch(sent -> sent.number() == beat)) {
            return null;
        }
        Beat sent = awaited.remove();
        while (sent.number() != beat) {
            sent = awaited.remove();
        }
        return new Heard(sent.sent(), Duration.ofNanos(nanoTime.getAsLong() - sent.nanos()));
    }

    /** Stops waiting for beats, because reading pauses. */
    void forget() {
        awaited.clear();
    }

    /**
     * A beat that was heard.
     *
     * @param sent when it was sent
     * @param latency how long it took
     */
    record Heard(Instant sent, Duration latency) {}
}
