package dev.sluice.socket;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;

/** Sends every client a sign of life now and then, which also keeps proxies from closing idle connections. */
@Singleton
final class Heartbeat {

    private final Sessions sessions;
    private final Vertx vertx;
    private final Duration interval;
    private long timer;

    Heartbeat(Sessions sessions, Vertx vertx, SocketConfig config) {
        this.sessions = sessions;
        this.vertx = vertx;
        this.interval = config.heartbeatInterval();
        if (interval.toMillis() < 1) {
            throw new ConfigurationException("sluice.heartbeat.interval must be at least 1 ms, is " + interval);
        }
    }

    // One timer for all: a timer each would cost more than the connections themselves.
    void start(@Observes StartupEvent event) {
        timer = vertx.setPeriodic(
                interval.toMillis(), x -> sessions.open().forEach(session -> session.run(session::ping)));
    }

    void stop(@Observes ShutdownEvent event) {
        vertx.cancelTimer(timer);
    }
}
