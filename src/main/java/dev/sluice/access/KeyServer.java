package dev.sluice.access;

import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The keys of a server: when they are fetched, and how long they are valid. A fetch starts at most every 10 s, every 5
 * s while no keys are known, and once directly after the first set. Known keys are fetched again before they expire,
 * and only a good answer replaces them. Thread-safe; never blocks.
 */
final class KeyServer {

    /** The minimum time between the starts of two fetches. */
    static final Duration BETWEEN_FETCHES = Duration.ofSeconds(10);

    /** The same while there are no keys, so that no token can be verified. */
    static final Duration BETWEEN_FIRST_FETCHES = Duration.ofSeconds(5);

    /** The time before the expiry at which keys are fetched again; longer than a fetch takes. */
    private static final Duration MARGIN = Duration.ofSeconds(5);

    /** The shortest validity of keys, which lasts until the next fetch can have ended. */
    private static final Duration SHORTEST_LIFE = BETWEEN_FETCHES.plus(MARGIN);

    private static final Logger LOG = Logger.getLogger(KeyServer.class);

    /**
     * A good answer.
     *
     * @param life how long the keys count without being fetched again
     */
    record Fetched(KeySet keys, Duration life) {}

    /** Runs a task after that many milliseconds, at once after 0; on any thread. */
    interface Timer {
        void schedule(long millis, Runnable task);
    }

    /**
     * Keys, and when they were requested.
     *
     * @param asked when the fetch started, by {@link System#nanoTime}
     * @param expires from when on they are fetched again
     */
    record Known(KeySet keys, long asked, long expires) {}

    /** A fetch that is scheduled or under way. */
    private record Coming(long due, CompletableFuture<Void> outcome) {}

    private final String location;
    private final Collection<String> algorithms;
    private final Supplier<Future<Fetched>> fetcher;
    private final Timer timer;
    private final LongSupplier nanoTime;
    private final long retainNanos;
    private final LogThrottle failures = new LogThrottle();

    private volatile @Nullable Known known;
    /** The failure of the last fetch; {@code null} if it succeeded. */
    private volatile @Nullable Throwable failure;

    private @Nullable Coming coming;
    private long notBefore;

    /**
     * Creates a server without known keys.
     *
     * @param location for the log
     * @param algorithms that tokens may have
     * @param fetcher fetches the keys; the future must complete, or no further fetch starts
     * @param retain how long expired keys count while they can't be fetched again
     */
    KeyServer(
            String location,
            Collection<String> algorithms,
            Supplier<Future<Fetched>> fetcher,
            Timer timer,
            LongSupplier nanoTime,
            Duration retain) {
        this.location = location;
        this.algorithms = algorithms;
        this.fetcher = fetcher;
        this.timer = timer;
        this.nanoTime = nanoTime;
        this.retainNanos = nanos(retain);
        this.notBefore = nanoTime.getAsLong();
    }

    /** Returns the valid keys; {@code null} if the caller must wait for a fetch. */
    @Nullable
    Known known() {
        Known last = known;
        if (last == null) {
            return null;
        }
        long expired = nanoTime.getAsLong() - last.expires();
        if (expired < 0) {
            return last;
        }
        if (failure == null || expired >= retainNanos) {
            return null;
        }
        scheduled(nanoTime.getAsLong());
        return last;
    }

    /** Whether the last fetch succeeded. */
    boolean healthy() {
        return known != null && failure == null;
    }

    /**
     * Returns the end of the current fetch, or else of the next one, which is scheduled as early as possible. It fails
     * if the server sends no keys, or if the fetch can't begin within the patience.
     */
    CompletableFuture<Void> next(Duration patience) {
        long now = nanoTime.getAsLong();
        Coming next = scheduled(now);
        return next.due() - now <= nanos(patience)
                ? next.outcome()
                : CompletableFuture.failedFuture(new KeysUnavailable());
    }

    private Coming scheduled(long now) {
        Coming next;
        synchronized (this) {
            if (coming != null) {
                return coming;
            }
            next = new Coming(now + Math.max(0, notBefore - now), new CompletableFuture<>());
            coming = next;
        }
        try {
            timer.schedule(millis(next.due() - now), this::fetch);
        } catch (RuntimeException e) {
            failed(now, e);
        }
        return next;
    }

    private void fetch() {
        long asked = nanoTime.getAsLong();
        Future<Fetched> answer;
        try {
            answer = Objects.requireNonNull(fetcher.get());
        } catch (Throwable e) {
            answer = Future.failedFuture(e);
        }
        answer.onComplete(result -> {
            if (result.failed()) {
                failed(asked, result.cause());
                return;
            }
            boolean first = known == null;
            try {
                fetched(asked, result.result());
            } catch (Throwable e) {
                failed(asked, e);
                return;
            }
            // If the set has changed directly after the first fetch, it is fetched again at once.
            end(first ? asked : asked + BETWEEN_FETCHES.toNanos()).complete(null);
        });
    }

    private void fetched(long asked, Fetched fetched) {
        Known before = known;
        boolean first = before == null;
        boolean healed = failure != null;
        long life = Math.max(nanos(fetched.life()), SHORTEST_LIFE.toNanos());
        Known now = new Known(fetched.keys(), asked, asked + life);
        timer.schedule(millis(now.expires() - MARGIN.toNanos() - nanoTime.getAsLong()), () -> renew(now));
        known = now;
        failure = null;
        if (first || healed) {
            LOG.infof(
                    "Sluice fetched %d keys that verify tokens from %s",
                    fetched.keys().size(), location);
        }
        if (!fetched.keys().verifiesAny(algorithms)
                && (before == null || before.keys().verifiesAny(algorithms))) {
            LOG.warnf(
                    "None of the keys from %s verifies %s, so every token is refused: see mp.jwt.verify.publickey.algorithm",
                    location, String.join(", ", algorithms));
        }
        List<String> weak = fetched.keys().weak();
        if (before == null || !weak.equals(before.keys().weak())) {
            weak.forEach(
                    key -> LOG.warnf("A key that verifies tokens is weak: %s, from %s. Replace it", key, location));
        }
        int unnamed = fetched.keys().unnamed();
        if (unnamed > KeySet.MAX_TRIED && (before == null || before.keys().unnamed() <= KeySet.MAX_TRIED)) {
            LOG.warnf(
                    "%d keys that verify tokens have no kid, from %s. Sluice tries %d of them for a token: give each key a kid",
                    unnamed, location, KeySet.MAX_TRIED);
        }
    }

    /** Fetches keys again while they are still valid, so that no token waits. */
    private void renew(Known expiring) {
        if (expiring.equals(known)) {
            scheduled(nanoTime.getAsLong());
        }
    }

    private void failed(long asked, Throwable cause) {
        failure = cause;
        try {
            long count = failures.pass();
            if (count > 0) {
                LOG.warnf(
                        "Sluice can't fetch the keys that verify tokens from %s: %s. Failed attempts: %d; the next log line"
                                + " follows in a minute",
                        location, RootCause.innermost(cause), count);
            }
        } finally {
            end(asked + (known == null ? BETWEEN_FIRST_FETCHES : BETWEEN_FETCHES).toNanos())
                    .completeExceptionally(new KeysUnavailable());
        }
    }

    /** The caller completes the future outside the lock, because its dependents may call next() at once. */
    private synchronized CompletableFuture<Void> end(long nextNotBefore) {
        CompletableFuture<Void> outcome = Objects.requireNonNull(coming).outcome();
        coming = null;
        notBefore = nextNotBefore;
        return outcome;
    }

    /** Saturates, whereas {@link Duration#toNanos} would fail. */
    private static long nanos(Duration duration) {
        return TimeUnit.NANOSECONDS.convert(duration);
    }

    /** Rounded up; 0 for the past. */
    private static long millis(long nanos) {
        return nanos <= 0 ? 0 : (nanos - 1) / 1_000_000 + 1;
    }
}
