package dev.sluice.session;

import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.Lagged;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Frame;
import dev.sluice.protocol.Dialect;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Tells clients that they may have missed something. An interruption of the feed concerns all, who will all come back for
 * what they missed, so each is told at a moment of its own.
 */
@Startup
@Singleton
final class GapNotifier {

    private final SessionRegistry sessions;
    private final Stagger spread;
    private final Resumption resumption;
    private final Duration period;

    GapNotifier(SessionRegistry sessions, Stagger spread, Resumption resumption, SluiceConfig config) {
        this.sessions = sessions;
        this.spread = spread;
        this.resumption = resumption;
        this.period = config.gap().spread();
    }

    void onGap(@Observes Gap gap) {
        Map<Dialect, Frame> notices = notices(gap.since(), gap.until());
        sessions.forEachLoop((loop, open) -> {
            List<Session> concerned = List.copyOf(open);
            if (gap.open()) {
                // Before anything newer is delivered: a position behind the gap would deny it until it has been told.
                loop.execute(() -> concerned.forEach(Session::holdUntilTold));
            }
            spread.over(
                    period,
                    loop,
                    concerned,
                    session -> session.tell(gap, Objects.requireNonNull(notices.get(session.dialect()))));
        });
    }

    void onLagged(@Observes Lagged event) {
        Map<Dialect, Frame> notices = notices(event.since(), event.until());
        for (Session session : sessions.on(event.loop())) {
            Frame notice = Objects.requireNonNull(notices.get(session.dialect()));
            if (!session.isOpen() || !resumption.repeat(session, event.reached(), () -> session.tell(notice))) {
                session.tell(notice);
            }
        }
    }

    /** For each dialect, shared by all who speak it. */
    private static Map<Dialect, Frame> notices(Instant since, @Nullable Instant until) {
        return Dialect.ALL.stream().collect(Collectors.toMap(dialect -> dialect, dialect -> dialect.gap(since, until)));
    }
}
