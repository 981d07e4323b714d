package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import dev.sluice.config.SluiceConfig.Auth.OnExpiry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * Asks every client for a sign of life now and then, which also keeps proxies from closing idle connections, and ends
 * connections that give none, are too old or, unless {@code sluice.auth.on-expiry=keep}, whose token has expired.
 */
@Singleton
final class Heartbeat {

    /** Connections get theirs at different moments, at most so many of them. */
    private static final int TICKS_PER_INTERVAL = 20;

    private static final long MAX_TICK_MILLIS = 1000;

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

    // One timer for all: a timer each would cost more than the connections themselves.
    void start(@Observes StartupEvent event) {
        long tick = Math.min(MAX_TICK_MILLIS, Math.max(1, interval.toMillis() / TICKS_PER_INTERVAL));
        timer = vertx.setPeriodic(
                tick, x -> sessions.forEachLoop((loop, open) -> loop.execute(() -> loop.batch(() -> beat(open)))));
    }

    private void beat(Collection<Session> open) {
        long now = System.nanoTime();
        // The time that tokens speak of.
        long date = System.currentTimeMillis();
        for (Session session : open) {
            if (closesExpired) {
                session.expire(date);
            }
            session.beat(now, interval.toNanos());
            if (maxAge != null) {
                session.retire(now, maxAge.toNanos());
            }
        }
    }

    void stop(@Observes ShutdownEvent event) {
        vertx.cancelTimer(timer);
    }
}
