package dev.sluice.feed;

import java.time.Duration;

/**
 * Receives what the feed hears and what happens to it. One object from the decoder to the supervisor calls it directly,
 * on the event loop that reads Redis. Its methods must not throw.
 */
interface FeedListener {

    /** One read brought these publications, or the clock has moved. */
    void published(Batch batch);

    /** A tick was published or heard. */
    void tick(Ticker.Outcome outcome);

    /** This pod has heard something else than most pods. */
    void diverged();

    /** What can be said of the clock has changed. */
    void clock(Ticker.State state);

    /** A message was published on {@link Feed#CONTROL}. */
    void control(PodMessage message);

    /** A gap has begun or, with its end, is over. */
    void gap(Gap gap);

    /** A beat has come back. */
    void beat(Duration latency);

    /** An attempt to replace the connection that publishes beats has ended. */
    void renewal(PathProof.Renewal outcome);
}
