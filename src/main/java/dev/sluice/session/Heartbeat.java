package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import dev.sluice.config.SluiceConfig.Auth.OnExpiry;
import dev.sluice.outbox.Disconnect;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Pings every client periodically, which also keeps proxies from closing idle connections, and ends connections that
 * are silent, too old or, unless {@code sluice.auth.on-expiry=keep}, whose token has expired.
 */
@Singleton
final class Heartbeat {

    /** Pings are spread over this many ticks of an interval. */
    private static final int TICKS_PER_INTERVAL = 20;

    private static final long MAX_TICK_MILLIS = 1000;

    /** The number of consecutive pings that a client may leave unanswered. */
    private static final int MAX_UNANSWERED = 3;

    /** How long a client may take to finish a message. */
    static final long MAX_UNFINISHED_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final SessionRegistry sessions;
    private final Vertx vertx;
    private final Duration interval;
    private final @Nullable Duration maxAge;
    private final boolean closesExpired;
    private long timer;

    Heartbeat(SessionRegistry sessions, Vertx vertx, SluiceConfig config) {
        this.sessions = sessions;
        this.vertx = vertx;
        this.interval = config.heartbeat().interval();
        this.maxAge = config.connections().maxAge().orElse(null);
        this.closesExpired = config.auth().onExpiry() == OnExpiry.CLOSE;
    }

    // One timer for all, because a timer each would cost more than the connections.
    void start(@Observes StartupEvent event) {
        long tick = Math.min(MAX_TICK_MILLIS, Math.max(1, interval.toMillis() / TICKS_PER_INTERVAL));
        timer = vertx.setPeriodic(
                tick,
                x -> sessions.forEachLoop((loop, open) -> loop.execute(() -> loop.runThenFlush(() -> beat(open)))));
    }

    private void beat(Collection<Session> open) {
        long now = System.nanoTime();
        // The time of tokens' expiry.
        long date = System.currentTimeMillis();
        for (Session session : open) {
            if (closesExpired) {
                expire(session, date);
            }
            beat(session, now, interval.toNanos());
            if (maxAge != null) {
                retire(session, now, maxAge.toNanos());
            }
        }
    }

    /** Ends the session if its token has expired; in milliseconds since the epoch. */
    static void expire(Session session, long now) {
        if (session.isOpen() && now >= session.client().expires()) {
            session.disconnect(Disconnect.TOKEN_EXPIRED);
        }
    }

    /**
     * Pings the client when it is due, and ends the session if the client is silent or leaves a message unfinished for
     * too long; both in nanoseconds of {@link System#nanoTime}.
     */
    static void beat(Session session, long now, long interval) {
        if (!session.isOpen()) {
            return;
        }
        AuthenticatedClient client = session.client();
        if (session.isUnfinishedFor(now, MAX_UNFINISHED_NANOS)) {
            session.disconnect(Disconnect.INBOUND_FULL);
        } else if (client.isBeatDue(now, interval)) {
            if (client.unanswered() == MAX_UNANSWERED) {
                session.disconnect(Disconnect.PEER_SILENT);
            } else {
                client.beat();
            }
        }
    }

    /** Ends the session if it is older than the limit, plus or minus a tenth; both in nanoseconds. */
    static void retire(Session session, long now, long maxAge) {
        if (session.age(now) >= maxAge - maxAge / 10 + maxAge / 5 * session.share() / Session.SHARES) {
            session.disconnect(Disconnect.MAX_AGE);
        }
    }

    void stop(@Observes ShutdownEvent event) {
        vertx.cancelTimer(timer);
    }
}
