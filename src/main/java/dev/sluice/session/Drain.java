package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import dev.sluice.linger.SubscriptionExchange;
import dev.sluice.outbox.Disconnect;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Closes every WebSocket with 1012 when the process is asked to stop: after a delay, in which new ones are still accepted
 * because not everybody knows yet that this pod is going, and spread over a period, so that they do not all come to the
 * other pods at once. It acts before the shutdown proper: by then the server would have closed them with 1000, which tells
 * a client not to come back.
 */
@Startup
@Singleton
final class Drain {

    private static final Logger LOG = Logger.getLogger(Drain.class);

    /** How long the last clients may take to answer the close; the process must be gone within a few seconds. */
    private static final Duration MAX_WAIT = Duration.ofSeconds(2);

    /** How long the other pods may take to hear what the users who are leaving were subscribed to. */
    private static final Duration MAX_TELLING = Duration.ofSeconds(1);

    private final SessionRegistry sessions;
    private final SubscriptionExchange subscriptions;
    private final Stagger spread;
    private final Duration delay;
    private final Duration period;

    Drain(SessionRegistry sessions, SubscriptionExchange subscriptions, Stagger spread, SluiceConfig config) {
        this.sessions = sessions;
        this.subscriptions = subscriptions;
        this.spread = spread;
        this.delay = config.drain().delay();
        this.period = config.drain().period();
    }

    void onStop(@Observes ShutdownDelayInitiatedEvent event) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(delay.toNanos());
        sessions.refuseNew();
        long deadline = System.nanoTime() + period.plus(MAX_WAIT).toNanos();
        List<Session> leaving = sessions.open();
        sessions.forEachLoop(
                (loop, open) -> spread.over(period, loop, open, session -> session.disconnect(Disconnect.GOING_AWAY)));
        await(leaving, deadline);
        // Upgrades that were permitted before have become sessions meanwhile, which end as soon as they start.
        await(sessions.open(), deadline);
        subscriptions.flush(MAX_TELLING);
        LOG.infof("Sluice closed %d connections before it stops", leaving.size());
    }

    private static void await(List<Session> leaving, long deadline) {
        CompletableFuture.allOf(leaving.stream()
                        .map(session -> session.whenClosed().toCompletableFuture())
                        .toArray(CompletableFuture<?>[]::new))
                .completeOnTimeout(null, Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)
                .join();
    }
}
