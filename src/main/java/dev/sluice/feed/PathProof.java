package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Proves that a link hears what is published at the configured address: beats come back, and do so from a new connection
 * as well, again and again. The old connection publishes until the new one is proven. Not safe for use by several threads.
 */
final class PathProof {

    private static final Logger LOG = Logger.getLogger(PathProof.class);

    /** What became of a new connection. */
    enum Renewal {
        /** A beat it published was heard. */
        PROVEN,
        /** It could not be made. */
        FAILED,
        /** Its beats were not heard. */
        LOST
    }

    private final Supervisor.Timing timing;
    private final LongSupplier nanoTime;
    private final InstantSource clock;
    private final Supervisor.Listener listener;
    private final LogThrottle failures = new LogThrottle();

    private Canary canary;
    private @Nullable NewConnection candidate;
    private long renewNanos;
    private long number;
    private long newestHeard;

    /**
     * A proof that begins.
     *
     * @param renewal after which time the first new connection is made
     */
    PathProof(
            Supervisor.Timing timing,
            Duration renewal,
            LongSupplier nanoTime,
            InstantSource clock,
            Supervisor.Listener listener) {
        this.timing = timing;
        this.nanoTime = nanoTime;
        this.clock = clock;
        this.listener = listener;
        this.canary = canary();
        this.renewNanos = nanoTime.getAsLong() + renewal.toNanos();
    }

    /**
     * Why what is published is not heard; {@code null} while it may be.
     *
     * @param behind whether publications still come, which beats may be waiting behind
     */
    @Nullable
    String failure(boolean behind) {
        if (candidate != null && candidate.lost(newestHeard)) {
            listener.renewal(Renewal.LOST);
            return "what is published on a new connection to the configured address is not heard; the address leads to"
                    + " another server than that of the subscription";
        }
        return canary.silent() && !behind ? "not one of " + timing.missedBeats() + " beats was heard" : null;
    }

    /** Publishes the beats that are due, and begins to make a new connection when that is due. */
    void beat(Subscription subscription) {
        long now = nanoTime.getAsLong();
        if (candidate != null && candidate.late(now)) {
            subscription.giveUpRenewal();
            renewalFailed(null);
        }
        if (candidate != null && candidate.wantsBeat()) {
            candidate.await(++number);
            subscription.beatAnew(number);
        }
        // Sent after the candidate's beat. Redis may reorder the two connections, which is why `lost` waits for several
        // beats.
        if (!canary.silent()) {
            canary.await(++number);
            subscription.beat(number);
        }
        if (candidate == null && now - renewNanos >= 0) {
            renewNanos = now + timing.reconnect().toNanos();
            candidate = new NewConnection(canary(), now + timing.connect().toNanos());
            subscription.renew();
        }
    }

    /** What the beat that was heard tells; {@code null} where none was awaited by that number. */
    Canary.@Nullable Heard heard(long beat, Subscription subscription) {
        Canary.Heard heard = canary.heard(beat);
        if (heard == null && candidate != null) {
            heard = candidate.heard(beat);
            if (heard != null) {
                canary = candidate.canary();
                candidate = null;
                subscription.adopt();
                listener.renewal(Renewal.PROVEN);
            }
        }
        if (heard != null) {
            newestHeard = Math.max(newestHeard, beat);
        }
        return heard;
    }

    void renewed() {
        if (candidate != null) {
            candidate.connected();
        }
    }

    /** The old connection goes on: where no connection can be made, other publishers can't make one either. */
    void renewalFailed(@Nullable Throwable cause) {
        candidate = null;
        listener.renewal(Renewal.FAILED);
        long count = failures.pass();
        if (count > 0) {
            LOG.warnf(
                    "A new connection to Redis could not be made: %s; the one there is stays in use, and another is"
                            + " tried after %s; %d such failures, further ones are only counted for a minute",
                    cause == null ? "it was closed, or took too long" : RootCause.innermost(cause),
                    timing.reconnect(),
                    count);
        }
    }

    /** Stops waiting for beats, because reading pauses. */
    void forget() {
        canary.forget();
        if (candidate != null) {
            candidate.canary().forget();
        }
    }

    private Canary canary() {
        return new Canary(timing.missedBeats(), nanoTime, clock);
    }
}
