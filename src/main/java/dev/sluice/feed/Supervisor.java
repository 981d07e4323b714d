package dev.sluice.feed;

import dev.sluice.log.RootCause;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one link open until it is stopped: whatever ends a link, cleanly or not, leads to the next after a back-off. A
 * link that does not hear its beats is dead, whatever its socket says. Every method is to be called on one thread, the
 * one its timer fires on; only {@link #live}, {@link #gap} and {@link #reason} may be read from others.
 */
final class Supervisor {

    private static final Logger LOG = Logger.getLogger(Supervisor.class);

    /** Reasons of one outage that are worth a line: a refusal that comes after "connection refused" is. */
    private static final int MAX_LOGGED = 5;

    /** Runs an action later, on the supervisor's thread. */
    @FunctionalInterface
    interface Timer {
        /** Returns what cancels it. */
        Runnable after(Duration delay, Runnable action);
    }

    /** Receives the supervisor's events; must not throw. */
    interface Listener {
        /** These were published, in this order; at least one. */
        void published(List<Publication> batch);

        /** A beat has come back. */
        void beat(Duration latency);

        /** A connection that publishes beats was made anew, or was to be. */
        void renewal(PathProof.Renewal outcome);

        /** Something was published on the pods' own channel. */
        void said(PodMessage message);

        /** The link that was live is so no more, or is again. */
        void gap(Gap gap);
    }

    /**
     * How long what may take.
     *
     * @param connect until a link hears its first beat
     * @param beat between beats
     * @param missedBeats so many unheard beats in a row mean that a link is dead
     * @param reconnect from one new connection for beats to the next
     */
    record Timing(Duration connect, Duration beat, int missedBeats, Duration reconnect) {}

    private final Subscription.Opener opener;
    private final Listener listener;
    private final Backoff backoff;
    private final Timing timing;
    private final Timer timer;
    private final LongSupplier nanoTime;
    private final InstantSource clock;

    private volatile @Nullable Gap gap;
    private boolean stopped;
    private boolean paused;
    /** Why the attempts of one outage have failed. */
    private final Set<String> logged = new HashSet<>();

    private volatile @Nullable String reason;
    private @Nullable Attempt attempt;
    private @Nullable Runnable retry;

    Supervisor(
            Subscription.Opener opener,
            Listener listener,
            Backoff backoff,
            Timing timing,
            Timer timer,
            LongSupplier nanoTime,
            InstantSource clock) {
        this.opener = opener;
        this.listener = listener;
        this.backoff = backoff;
        this.timing = timing;
        this.timer = timer;
        this.nanoTime = nanoTime;
        this.clock = clock;
        this.gap = new Gap(clock.instant(), null);
    }

    /** Whether what is published is heard. */
    boolean live() {
        return gap == null && !stopped;
    }

    /** The gap there is, from the beginning until a first link is live; {@code null} while one is. */
    @Nullable
    Gap gap() {
        return gap;
    }

    /** Why the last attempt failed; {@code null} while it is live or the first is under way. */
    @Nullable
    String reason() {
        return reason;
    }

    void start() {
        connect();
    }

    void stop() {
        stopped = true;
        if (retry != null) {
            retry.run();
        }
        if (attempt != null) {
            attempt.abandon();
        }
    }

    /** Stops reading, or goes on; a link that is made meanwhile reads no further than its first beat. */
    void pause(boolean pause) {
        paused = pause;
        if (attempt != null) {
            attempt.pause();
        }
    }

    private void connect() {
        if (!stopped) {
            attempt = new Attempt();
            attempt.open();
        }
    }

    private void down(@Nullable Throwable cause, @Nullable Instant lastBeat) {
        if (lastBeat != null) {
            Gap opened = new Gap(lastBeat, null);
            gap = opened;
            listener.gap(opened);
        }
        Duration delay = backoff.next();
        String why = cause == null ? "the connection was closed" : RootCause.innermost(cause);
        reason = why;
        if (logged.size() < MAX_LOGGED && logged.add(why)) {
            LOG.warnf("Redis subscription is not live: %s; trying until it is", why);
        } else {
            LOG.debugf("Redis subscription failed again: %s; next attempt in %d ms", why, delay.toMillis());
        }
        retry = timer.after(delay, this::connect);
    }

    private void up(Instant subscribed) {
        backoff.reset();
        logged.clear();
        reason = null;
        Gap before = gap;
        gap = null;
        if (before != null) {
            listener.gap(before.closed(subscribed));
        }
        LOG.info("Redis subscription is live");
    }

    private final class Attempt implements Subscription.Events {

        private final PathProof proof =
                new PathProof(timing, backoff.part(timing.reconnect()), nanoTime, clock, listener);
        /** Of the connect timeout, then of the next beat. */
        private Runnable cancelTimer = timer.after(timing.connect(), this::timedOut);

        private @Nullable Subscription subscription;
        private @Nullable Instant subscribed;
        private @Nullable Instant lastBeat;
        private boolean busy;
        private boolean over;

        void open() {
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

        void abandon() {
            over = true;
            cancelTimer.run();
            if (subscription != null) {
                subscription.close();
            }
        }

        void pause() {
            if (lastBeat != null && !over && subscription != null) {
                // A link that is not read hears no beats.
                proof.forget();
                subscription.pause(paused);
            }
        }

        @Override
        public void subscribed() {
            if (!over) {
                subscribed = clock.instant();
                beat();
            }
        }

        @Override
        public void heard(long beat) {
            Canary.Heard heard = over || subscription == null ? null : proof.heard(beat, subscription);
            if (heard == null || subscribed == null) {
                return;
            }
            listener.beat(heard.latency());
            boolean first = lastBeat == null;
            lastBeat = heard.sent();
            if (first) {
                cancelTimer.run();
                awaitNextBeat();
                up(subscribed);
                pause();
            }
        }

        private void beat() {
            if (subscription != null) {
                proof.beat(subscription);
            }
        }

        private void awaitNextBeat() {
            cancelTimer = timer.after(timing.beat(), this::nextBeat);
        }

        /** Counts beats, not time: a thread that was held up finds what it has not heard yet behind this. */
        private void nextBeat() {
            if (over) {
                return;
            }
            String failure = proof.failure(busy);
            if (failure != null) {
                ended(new TimeoutException(failure));
                return;
            }
            if (!paused) {
                beat();
            }
            busy = false;
            awaitNextBeat();
        }

        /** The first beat may have come while this was on its way. */
        private void timedOut() {
            if (lastBeat == null) {
                ended(new TimeoutException("not subscribed after " + timing.connect()));
            }
        }

        @Override
        public void published(List<Publication> batch) {
            // What an abandoned link still says would be heard twice.
            if (!over) {
                busy = true;
                listener.published(batch);
            }
        }

        @Override
        public void renewed() {
            if (!over) {
                proof.renewed();
            }
        }

        @Override
        public void renewalFailed(@Nullable Throwable cause) {
            if (!over) {
                proof.renewalFailed(cause);
            }
        }

        @Override
        public void said(PodMessage message) {
            if (!over) {
                listener.said(message);
            }
        }

        @Override
        public void ended(@Nullable Throwable cause) {
            if (!over) {
                abandon();
                down(cause, lastBeat);
            }
        }
    }
}
