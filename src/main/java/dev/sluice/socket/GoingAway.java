package dev.sluice.socket;

import dev.sluice.outbox.Disconnect;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Closes every WebSocket with 1012 when the process is asked to stop. It acts before the shutdown proper: by then the
 * server would have closed them with 1000, which tells a client not to come back.
 */
@Singleton
final class GoingAway {

    private static final Logger LOG = Logger.getLogger(GoingAway.class);

    /** How long the clients may take to answer the close; the process must be gone within a few seconds. */
    private static final Duration MAX_WAIT = Duration.ofSeconds(2);

    private final Sessions sessions;

    GoingAway(Sessions sessions) {
        this.sessions = sessions;
    }

    void onStop(@Observes ShutdownDelayInitiatedEvent event) {
        sessions.refuseNew();
        long deadline = System.nanoTime() + MAX_WAIT.toNanos();
        int closed = 0;
        // Again, because upgrades that were permitted before may become sessions meanwhile.
        while (!sessions.open().isEmpty() && deadline - System.nanoTime() > 0) {
            List<Session> leaving = List.copyOf(sessions.open());
            leaving.forEach(session -> session.run(() -> session.disconnect(Disconnect.GOING_AWAY)));
            CompletableFuture.allOf(leaving.stream()
                            .map(session -> session.whenClosed().toCompletableFuture())
                            .toArray(CompletableFuture<?>[]::new))
                    .completeOnTimeout(null, deadline - System.nanoTime(), TimeUnit.NANOSECONDS)
                    .join();
            closed += leaving.size();
        }
        LOG.infof("Closed %d connections", closed);
    }
}
