package dev.sluice.socket;

import dev.sluice.outbox.Loop;
import io.vertx.core.Vertx;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Does something with many sessions, with each at a moment of its own. That moment is the same share of any period, so
 * that what begins first for all comes first for each.
 */
@Singleton
final class Spread {

    /** How often those are served whose moment has come. */
    private static final long TICK_MILLIS = 20;

    private final Vertx vertx;

    Spread(Vertx vertx) {
        this.vertx = vertx;
    }

    /** Serves those there are, within the period, on their loop. May be called on any thread. */
    void over(Duration period, Loop loop, Collection<Session> sessions, Consumer<Session> action) {
        long start = System.nanoTime();
        Deque<Session> waiting = sessions.stream()
                .sorted(Comparator.comparingInt(Session::share))
                .collect(Collectors.toCollection(ArrayDeque::new));
        loop.execute(() -> serve(start, period, loop, waiting, action));
    }

    private void serve(long start, Duration period, Loop loop, Deque<Session> waiting, Consumer<Session> action) {
        long elapsed = System.nanoTime() - start;
        loop.batch(() -> {
            while (!waiting.isEmpty() && due(waiting.element(), period) <= elapsed) {
                action.accept(waiting.remove());
            }
        });
        if (!waiting.isEmpty()) {
            vertx.setTimer(TICK_MILLIS, fired -> loop.execute(() -> serve(start, period, loop, waiting, action)));
        }
    }

    private static double due(Session session, Duration period) {
        return (double) period.toNanos() * session.share() / Session.SHARES;
    }
}
