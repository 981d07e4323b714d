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
 * Tells clients with positions a first one to come back with, soon after this pod can name them or names them anew. Else a
 * client on quiet channels had none before its next heartbeat. Each is told at a moment of its own.
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
        sessions.forEachLoop((loop, open) -> tell(stagger, period, loop, open));
    }

    static void tell(Stagger stagger, Duration period, Loop loop, Collection<Session> open) {
        List<Session> positioned =
                open.stream().filter(session -> session.dialect().positioned()).toList();
        stagger.over(period, loop, positioned, Session::tellPosition);
    }
}
