package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import dev.sluice.linger.SubscriptionExchange;
import dev.sluice.outbox.Disconnect;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Closes every WebSocket with 1012, and ends every event stream, when the process is asked to stop: after a delay,
 * during which the pod accepts new ones because balancers may not yet know that it stops, and spread over a period, so
 * that clients do not all connect to the other pods at once. It runs before the server's shutdown, which would close
 * with 1000, so that clients would not reconnect.
 */
@Startup
@Singleton
final class Drain {

    private static final Logger LOG = Logger.getLogger(Drain.class);

    /** How long the last clients may take to answer the close. */
    private static final Duration MAX_WAIT = Duration.ofSeconds(2);

    /** Maximum time to send the users' subscriptions to the other pods. */
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
        int leaving = sessions.open().size();
        sessions.forEachLoop(
                (loop, open) -> spread.over(period, loop, open, session -> session.disconnect(Disconnect.GOING_AWAY)));
        sessions.allClosed()
                .completeOnTimeout(null, Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)
                .join();
        subscriptions.flush(MAX_TELLING);
        LOG.infof("Sluice closed %d connections before it stops", leaving);
    }
}
