package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import dev.sluice.redis.NotMasterException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Proves that a subscription hears what is published at the configured address. Its beats must be heard, and from time
 * to time those of a new connection as well. The old connection publishes until the new one is proven. Confined to the
 * feed's thread.
 */
final class PathProof {

    private static final Logger LOG = Logger.getLogger(PathProof.class);

    /** How an attempt to replace the connection ended. */
    enum Renewal {
        /** A beat of the new connection was heard. */
        PROVEN,
        /** The new connection could not be made. */
        FAILED,
        /** The beats of the new connection were not heard. */
        LOST
    }

    private final Subscription subscription;
    private final Supervisor.Timing timing;
    private final Time time;
    private final FeedListener listener;
    private final Consumer<@Nullable Throwable> failed;
    private final LogThrottle failures = new LogThrottle();

    private BeatPath current;
    private @Nullable BeatPath candidate;
    private boolean closed;
    private long renewNanos;
    private long number;
    private long newestHeard;

    /**
     * Connects the first publisher, which then publishes its first beat.
     *
     * @param renewal delay of the first replacement of the connection
     * @param failed told why the subscription must end
     */
    PathProof(
            Subscription subscription,
            Supervisor.Timing timing,
            Duration renewal,
            Time time,
            FeedListener listener,
            Consumer<@Nullable Throwable> failed) {
        this.subscription = subscription;
        this.timing = timing;
        this.time = time;
        this.listener = listener;
        this.failed = failed;
        this.renewNanos = time.nanos() + renewal.toNanos();
        this.current = path();
        connect(current);
    }

    /**
     * Ends the subscription if its beats are not heard; otherwise publishes the next beats.
     *
     * @param behind whether publications still come; beats may be queued behind them
     */
    void next(boolean behind) {
        if (candidate != null && candidate.lost(newestHeard)) {
            listener.renewal(Renewal.LOST);
            failed.accept(new TimeoutException(
                    "the subscription does not receive publications on a new connection to the configured address;"
                            + " the address leads to another server than that of the subscription"));
        } else if (current.silent() && !behind) {
            failed.accept(new TimeoutException("not one of " + timing.missedBeats() + " beats was heard"));
        } else {
            beat();
        }
    }

    private void beat() {
        listener.beatFollows(number + 1);
        long now = time.nanos();
        if (candidate != null && candidate.late(now)) {
            renewalFailed(candidate, null);
        }
        if (candidate != null && candidate.beat(number + 1)) {
            number++;
        }
        // After the candidate's beat. Redis may reorder the two connections, which is why `lost` waits for several
        // beats.
        if (current.beat(number + 1)) {
            number++;
        }
        if (candidate == null && now - renewNanos >= 0) {
            renewNanos = now + timing.reconnect().toNanos();
            candidate = path();
            connect(candidate);
        }
    }

    /** Returns the beat that was heard; {@code null} if it was not outstanding. */
    Canary.@Nullable Heard heard(long beat) {
        Canary.Heard heard = current.heard(beat);
        if (heard == null && candidate != null) {
            heard = candidate.heard(beat);
            if (heard != null) {
                current.close();
                current = candidate;
                candidate = null;
                listener.renewal(Renewal.PROVEN);
            }
        }
        if (heard != null) {
            newestHeard = Math.max(newestHeard, beat);
        }
        return heard;
    }

    /** Publishes a tick on the connection in use. */
    void tick(String text) {
        current.tick(text);
    }

    /** Discards outstanding beats, because reading is paused. */
    void forget() {
        current.forget();
        if (candidate != null) {
            candidate.forget();
        }
    }

    /** Closes both connections, and ignores their later events. */
    void close() {
        closed = true;
        current.close();
        if (candidate != null) {
            candidate.close();
            candidate = null;
        }
    }

    private BeatPath path() {
        return new BeatPath(
                new Canary(timing.missedBeats(), time),
                time.nanos() + timing.connect().toNanos());
    }

    private void connect(BeatPath path) {
        path.connect(subscription, new BeatConnection.Listener() {
            @Override
            public void connected() {
                path.connected();
                if (path == current && !closed) {
                    beat();
                }
            }

            @Override
            public void ended(@Nullable Throwable cause) {
                if (path == current || (path == candidate && cause instanceof NotMasterException)) {
                    failed.accept(cause);
                } else if (path == candidate) {
                    renewalFailed(path, cause);
                }
            }
        });
    }

    /** Keeps the old connection: if this pod can't connect, other publishers can't either. */
    private void renewalFailed(BeatPath path, @Nullable Throwable cause) {
        path.close();
        candidate = null;
        listener.renewal(Renewal.FAILED);
        long count = failures.pass();
        if (count > 0) {
            LOG.warnf(
                    "Sluice can't make a new connection to Redis: %s. It keeps the old one, and tries again after %s;"
                            + " failures: %d, the next log line follows in a minute",
                    cause == null ? "it was closed, or took too long" : RootCause.innermost(cause),
                    timing.reconnect(),
                    count);
        }
    }
}
