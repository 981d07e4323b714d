package dev.sluice.feed;

import dev.sluice.clock.Era;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one subscription open until it is stopped: after each end, it opens the next one after a back-off. Confined to
 * the feed's thread, except {@link #live}, {@link #gap} and {@link #reason}.
 */
final class Supervisor implements Attempt.Owner {

    private static final Logger LOG = Logger.getLogger(Supervisor.class);

    /**
     * The most distinct reasons that one outage logs: the first, such as "connection refused", is often followed by a
     * clearer one.
     */
    private static final int MAX_LOGGED = 5;

    /**
     * Durations and bounds.
     *
     * @param connect from the attempt to open a subscription until its first beat is heard; also to connect a publisher
     * @param beat between beats
     * @param missedBeats unheard beats in a row after which a subscription is dead
     * @param reconnect between replacements of the connection that publishes beats
     * @param tick between ticks of the clock
     * @param kind what pods hear
     */
    record Timing(Duration connect, Duration beat, int missedBeats, Duration reconnect, Duration tick, Era.Kind kind) {}

    private final Subscription.Opener opener;
    private final FeedListener listener;
    private final Backoff backoff;
    private final Timing timing;
    private final Time time;

    /** What the log calls the server. */
    private final Supplier<String> server;

    private final LogThrottle missedLog = new LogThrottle();

    /** The reasons logged in this outage. */
    private final Set<String> logged = new HashSet<>();

    private volatile @Nullable Gap gap;
    private volatile @Nullable String reason;
    private volatile boolean stopped;
    private boolean paused;
    private @Nullable Attempt attempt;
    private @Nullable Runnable cancelRetry;

    Supervisor(Subscription.Opener opener, FeedListener listener, Backoff backoff, Timing timing, Time time) {
        this(opener, listener, backoff, timing, time, () -> "Redis");
    }

    /** @param server what the log calls the server, which may change with each subscription */
    Supervisor(
            Subscription.Opener opener,
            FeedListener listener,
            Backoff backoff,
            Timing timing,
            Time time,
            Supplier<String> server) {
        this.opener = opener;
        this.listener = listener;
        this.backoff = backoff;
        this.timing = timing;
        this.time = time;
        this.server = server;
        this.gap = new Gap(time.now(), null);
    }

    /** Whether the pod hears everything that is published. */
    boolean live() {
        return gap == null && !stopped;
    }

    /**
     * Returns the current gap; {@code null} while live. The first gap lasts from construction until the first
     * subscription is live.
     */
    @Nullable
    Gap gap() {
        return gap;
    }

    /** Returns why the last attempt failed; {@code null} while live or during the first attempt. */
    @Nullable
    String reason() {
        return reason;
    }

    void start() {
        if (!stopped) {
            attempt = new Attempt(this, timing, backoff.part(timing.reconnect()), time, listener);
            attempt.pause(paused);
            attempt.open(opener);
        }
    }

    void stop() {
        stopped = true;
        if (cancelRetry != null) {
            cancelRetry.run();
        }
        if (attempt != null) {
            attempt.close();
        }
    }

    /** Pauses or resumes reading. A subscription that is not live yet reads until its first beat. */
    void pause(boolean pause) {
        paused = pause;
        if (attempt != null) {
            attempt.pause(pause);
        }
    }

    @Override
    public void live(Instant subscribed) {
        backoff.reset();
        logged.clear();
        reason = null;
        Gap before = gap;
        gap = null;
        if (before != null) {
            listener.gap(before.closed(subscribed));
        }
        LOG.infof("This pod hears %s", server.get());
    }

    @Override
    public void lost(Instant since) {
        listener.diverged();
        tellGap(since);
    }

    @Override
    public void missed(Instant since) {
        if (tellGap(since)) {
            long count = missedLog.pass();
            if (count > 0) {
                LOG.warnf(
                        "Another master of the Redis Cluster failed or was away, and its publications since %s may be lost."
                                + " This pod's clients get a gap; such gaps: %d, the next log line follows in a minute",
                        since, count);
            }
        }
    }

    /** Returns false before the feed is live, as a gap is under way then in any case. */
    private boolean tellGap(Instant since) {
        boolean live = gap == null;
        if (live) {
            Gap lost = new Gap(since, null);
            listener.gap(lost);
            listener.gap(lost.closed(time.now()));
        }
        return live;
    }

    @Override
    public void ended(@Nullable Throwable cause, @Nullable Instant heardUntil) {
        if (heardUntil != null) {
            Gap opened = new Gap(heardUntil, null);
            gap = opened;
            listener.gap(opened);
        } else {
            listener.failed();
        }
        Duration delay = backoff.next();
        String why = cause == null ? "the connection was closed" : RootCause.innermost(cause);
        reason = why;
        if (logged.size() < MAX_LOGGED && logged.add(why)) {
            LOG.warnf("This pod does not hear %s, and tries again until it does: %s", server.get(), why);
        } else {
            LOG.debugf(
                    "This pod still does not hear %s: %s. The next attempt follows in %d ms",
                    server.get(), why, delay.toMillis());
        }
        cancelRetry = time.after(delay, this::start);
    }
}
