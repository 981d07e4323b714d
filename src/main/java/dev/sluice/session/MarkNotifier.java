package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import dev.sluice.history.Adopted;
import dev.sluice.outbox.Loop;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Collection;
import java.util.List;

/**
 * Sends clients with positions a mark soon after this pod starts or restarts counting, spread over a period. Otherwise
 * a client on quiet channels would have no position until its next heartbeat.
 */
@Startup
@Singleton
final class MarkNotifier {

    private final SessionRegistry sessions;
    private final Stagger stagger;
    private final Duration period;

    MarkNotifier(SessionRegistry sessions, Stagger stagger, SluiceConfig config) {
        this.sessions = sessions;
        this.stagger = stagger;
        this.period = config.gap().spread();
    }

    void onAdopted(@Observes Adopted event) {
        sessions.forEachLoop((loop, open) -> {
            // Done before newer publications are delivered, because their offsets belong to an epoch unknown to these
            // clients.
            loop.execute(() -> open.forEach(session -> session.ifOpen(AuthenticatedClient::suspend)));
            tell(stagger, period, loop, open);
        });
    }

    static void tell(Stagger stagger, Duration period, Loop loop, Collection<Session> open) {
        List<Session> positioned =
                open.stream().filter(session -> session.dialect().positioned()).toList();
        stagger.over(period, loop, positioned, session -> {
            session.ifOpen(client -> client.restart(false));
            session.tellPosition();
        });
    }
}
