package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;

/**
 * Receives publications, messages of pods, and changes of the feed's state. The decoder and the supervisor call it
 * directly, on the event loop that reads Redis. Its methods must not throw.
 */
interface FeedListener {

    /** One read brought these publications, or the clock has moved. */
    void published(Batch batch);

    /** A tick was published or heard. */
    void tick(Ticker.Outcome outcome);

    /** This pod heard other messages than the majority. */
    void diverged();

    /** The state of the clock has changed. */
    void clock(Ticker.State state);

    /** A message was published on {@link Feed#CONTROL}. */
    void control(PodMessage message);

    /** A gap has begun, or has ended if it has an end. */
    void gap(Gap gap);

    /** An attempt to subscribe has ended before it was live. */
    default void failed() {}

    /** Redis told of a change of {@link Feed#probeKey}. */
    default void probed() {}

    /** A beat has been heard. */
    void beat(Duration latency);

    /** Everything that was published before the instant has been heard, if the subscription is live. */
    default void heardUntil(Instant until) {}

    /** A beat of that number, or a later one, is published next. Numbers rise until a gap. */
    default void beatFollows(long number) {}

    /** The beat was heard, after everything that Redis had sent before it. */
    default void beatHeard(long number) {}

    /** An attempt to replace the connection that publishes beats has ended. */
    void renewal(PathProof.Renewal outcome);
}
