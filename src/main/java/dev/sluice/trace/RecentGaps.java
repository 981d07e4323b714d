package dev.sluice.trace;

import dev.sluice.delivery.Lagged;
import dev.sluice.feed.Gap;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The last periods in which this pod may have missed or dropped publications. Thread-safe. */
@Startup
@Singleton
final class RecentGaps {

    private static final int MAX = 20;

    /**
     * A period.
     *
     * @param cause {@code redis}, or {@code event_loop} if only the connections of one event loop are concerned
     */
    record Period(Instant since, @Nullable Instant until, String cause) {}

    private final Deque<Period> periods = new ArrayDeque<>();

    synchronized void onGap(@Observes Gap gap) {
        Period last = periods.peekLast();
        if (last != null && last.until == null && last.since.equals(gap.since())) {
            periods.removeLast();
        } else if (!gap.open()) {
            // The time before the first connection to Redis.
            return;
        }
        add(new Period(gap.since(), gap.until(), "redis"));
    }

    synchronized void onLagged(@Observes Lagged lagged) {
        add(new Period(lagged.since(), lagged.until(), "event_loop"));
    }

    private void add(Period period) {
        if (periods.size() == MAX) {
            periods.removeFirst();
        }
        periods.add(period);
    }

    /** Returns them, the oldest first. */
    synchronized List<Period> all() {
        return List.copyOf(periods);
    }
}
