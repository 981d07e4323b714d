package dev.sluice.feed;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One subscription from its attempt to connect until its end. It is live once it has heard one of its own beats, and
 * dead when it hears none, even if its socket looks open. Confined to the feed's thread.
 */
final class Attempt implements Subscription.Listener, Ticker.Owner {

    /** Receives the outcome, on the feed's thread. */
    interface Owner {

        /** The first beat has been heard: from the instant on, the pod hears everything. */
        void live(Instant subscribed);

        /** The pod has heard other messages than most pods since the instant; from now on it hears everything again. */
        void lost(Instant since);

        /** The pod may have missed messages since the instant; from now on it hears everything again. */
        void missed(Instant since);

        /**
         * The attempt has ended without {@link Attempt#close}; called once.
         *
         * @param cause {@code null} where the connection was closed cleanly
         * @param heardUntil until when everything was heard; {@code null} where the attempt was never live
         */
        void ended(@Nullable Throwable cause, @Nullable Instant heardUntil);
    }

    private final Owner owner;
    private final Supervisor.Timing timing;
    private final Duration renewal;
    private final Time time;
    private final FeedListener listener;

    /** Cancels the connect timeout or, later, the timer of the next beat. */
    private Runnable cancelTimer;

    private @Nullable Subscription subscription;
    private @Nullable PathProof proof;
    private final Ticker ticker;
    private @Nullable Instant subscribed;
    private @Nullable Instant lastBeat;
    private long messages;
    private boolean paused;
    private boolean over;

    /**
     * Creates an attempt, and starts its connect timeout.
     *
     * @param renewal delay until the connection for beats is first replaced
     */
    Attempt(Owner owner, Supervisor.Timing timing, Duration renewal, Time time, FeedListener listener) {
        this.owner = owner;
        this.timing = timing;
        this.renewal = renewal;
        this.time = time;
        this.listener = listener;
        this.ticker = new Ticker(timing.tick(), timing.kind(), time, listener, this);
        this.cancelTimer = time.after(timing.connect(), this::timedOut);
    }

    void open(Subscription.Opener opener) {
        try {
            Subscription opened = opener.open(this);
            subscription = opened;
            if (over) {
                opened.close();
            }
        } catch (RuntimeException e) {
            ended(e);
        }
    }

    /** Closes everything without telling the owner. Idempotent. */
    void close() {
        if (over) {
            // Vert.x refuses to close a client twice.
            return;
        }
        over = true;
        cancelTimer.run();
        try {
            ticker.close();
        } finally {
            closeConnections();
        }
    }

    private void closeConnections() {
        try {
            if (proof != null) {
                proof.close();
            }
        } finally {
            if (subscription != null) {
                subscription.close();
            }
        }
    }

    /** Pauses or resumes reading; takes effect after the first beat is heard. */
    void pause(boolean pause) {
        paused = pause;
        if (lastBeat != null && !over && subscription != null && proof != null) {
            proof.forget();
            ticker.pause(pause);
            subscription.pause(pause);
        }
    }

    @Override
    public void subscribed() {
        if (!over && subscription != null) {
            subscribed = time.now();
            proof = new PathProof(subscription, timing, renewal, time, listener, this::ended);
            if (subscription.hasClock()) {
                ticker.start();
            }
        }
    }

    @Override
    public void awaited() {
        ticker.hurry();
    }

    @Override
    public void alone() {
        ticker.alone();
    }

    @Override
    public void clockChanged() {
        ticker.restart();
    }

    @Override
    public void published(List<Publication> publications) {
        if (!over) {
            listener.published(ticker.batch(publications));
        }
    }

    @Override
    public void ticked(@Nullable String text) {
        ticker.hear(text);
    }

    @Override
    public @Nullable Instant heardUntil() {
        return lastBeat == null || subscription == null ? null : subscription.heardUntil(lastBeat);
    }

    @Override
    public void lost(Instant since) {
        owner.lost(since);
    }

    @Override
    public void missed(Instant since) {
        // Before the first beat is heard, a gap is under way in any case.
        if (!over && lastBeat != null) {
            ticker.interrupt();
            owner.missed(since);
        }
    }

    @Override
    public void publish(String text) {
        if (subscription != null && proof != null && !subscription.tick(text)) {
            proof.tick(text);
        }
    }

    @Override
    public void heard(long beat) {
        Canary.Heard heard = over || proof == null ? null : proof.heard(beat);
        if (heard == null || subscribed == null || subscription == null) {
            return;
        }
        listener.beat(heard.latency());
        listener.beatHeard(beat);
        boolean first = lastBeat == null;
        lastBeat = heard.sent();
        listener.heardUntil(subscription.heardUntil(heard.sent()));
        if (first) {
            cancelTimer.run();
            awaitNextBeat();
            owner.live(subscription.heardFrom(subscribed, heard.sent()));
            pause(paused);
        }
    }

    private void awaitNextBeat() {
        cancelTimer = time.after(timing.beat(), this::nextBeat);
    }

    /** Counts beats, not time: after a stall of the thread, unread beats are queued behind this task. */
    private void nextBeat() {
        if (over || subscription == null || proof == null) {
            return;
        }
        long before = messages;
        messages = subscription.messages();
        if (!paused) {
            try {
                boolean behind = messages != before;
                proof.next(behind);
                if (!behind && subscription.isStuck(timing.missedBeats())) {
                    ended(new TimeoutException("Redis does not acknowledge subscriptions"));
                }
            } catch (RuntimeException e) {
                ended(e);
            }
        }
        if (!over) {
            awaitNextBeat();
        }
    }

    /** Runs when the connect timeout ends; the first beat may have been heard while this task was queued. */
    private void timedOut() {
        if (lastBeat == null) {
            ended(new TimeoutException("not subscribed after " + timing.connect()));
        }
    }

    @Override
    public void ended(@Nullable Throwable cause) {
        if (!over) {
            try {
                close();
            } finally {
                // Otherwise the feed would stay deaf, and say that it is live.
                owner.ended(cause, heardUntil());
            }
        }
    }
}
