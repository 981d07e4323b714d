package dev.sluice.session;

import dev.sluice.outbox.Loop;
import io.vertx.core.Vertx;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Applies an action to many sessions, spread over a period. Each session has the same share of any period, and earlier
 * actions run first, so that actions keep their order for each session.
 */
@Singleton
final class Stagger {

    private static final Logger LOG = Logger.getLogger(Stagger.class);

    /** The interval at which due sessions are served. */
    private static final long TICK_MILLIS = 20;

    private final LongSupplier nanoTime;
    private final Timer timer;
    /** The actions under way for each loop; the list is confined to the loop. */
    private final Map<Loop, List<Round<?>>> rounds = new ConcurrentHashMap<>();

    private record Round<T>(long start, Duration period, Deque<T> waiting, ToIntFunction<T> share, Consumer<T> action) {

        void serve(long now) {
            while (!waiting.isEmpty() && due(waiting.element()) <= now - start) {
                T next = waiting.remove();
                try {
                    action.accept(next);
                } catch (Throwable e) {
                    // A failure must not keep the other connections waiting.
                    LOG.error("Sluice failed to notify or close a connection. Please report this bug", e);
                }
            }
        }

        private double due(T one) {
            return (double) period.toNanos() * share.applyAsInt(one) / Session.SHARES;
        }
    }

    @Inject
    Stagger(Vertx vertx) {
        this(System::nanoTime, Timer.of(vertx));
    }

    Stagger(LongSupplier nanoTime, Timer timer) {
        this.nanoTime = nanoTime;
        this.timer = timer;
    }

    /** Applies the action to the sessions within the period, on their loop. Thread-safe. */
    void over(Duration period, Loop loop, Collection<Session> sessions, Consumer<Session> action) {
        over(period, loop, sessions, Session::share, action);
    }

    /**
     * Applies the action to what belongs to sessions within the period, on their loop. Thread-safe.
     *
     * @param share less than {@link Session#SHARES}, and always the same for one of them
     */
    <T> void over(Duration period, Loop loop, Collection<T> all, ToIntFunction<T> share, Consumer<T> action) {
        Round<T> round = new Round<>(
                nanoTime.getAsLong(),
                period,
                all.stream().sorted(Comparator.comparingInt(share)).collect(Collectors.toCollection(ArrayDeque::new)),
                share,
                action);
        List<Round<?>> ofLoop = rounds.computeIfAbsent(loop, x -> new ArrayList<>());
        loop.execute(() -> {
            ofLoop.add(round);
            if (ofLoop.size() == 1) {
                serve(loop, ofLoop);
            }
        });
    }

    private void serve(Loop loop, List<Round<?>> ofLoop) {
        long now = nanoTime.getAsLong();
        loop.runThenFlush(() -> ofLoop.forEach(round -> round.serve(now)));
        ofLoop.removeIf(round -> round.waiting().isEmpty());
        if (!ofLoop.isEmpty()) {
            timer.after(TICK_MILLIS, () -> loop.execute(() -> serve(loop, ofLoop)));
        }
    }
}
