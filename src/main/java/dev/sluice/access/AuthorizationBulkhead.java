package dev.sluice.access;

import io.smallrye.faulttolerance.api.TypedGuard;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.util.TypeLiteral;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** A bulkhead with a queue and a timeout that includes the time in the queue. */
final class AuthorizationBulkhead {

    private final Duration timeout;
    private final TypedGuard<Uni<Boolean>> guard;

    /**
     * Turns of which none is taken.
     *
     * @param timeout for the answer, waiting included
     * @param concurrency asked at once
     * @param pending waiting at once
     */
    AuthorizationBulkhead(Duration timeout, int concurrency, int pending) {
        this.timeout = timeout;
        guard = TypedGuard.create(new TypeLiteral<Uni<Boolean>>() {})
                .withBulkhead()
                .limit(concurrency)
                .queueSize(pending)
                .done()
                .withTimeout()
                .duration(timeout.toMillis(), ChronoUnit.MILLIS)
                .done()
                .build();
    }

    /** The answer to a question, once it could be asked; fails where that takes too long or too many wait. */
    Uni<Boolean> ask(Supplier<Uni<Boolean>> question) {
        long asked = System.nanoTime();
        try {
            return guard.call(() -> inTime(asked, question));
        } catch (Exception e) {
            return Uni.createFrom().failure(e);
        }
    }

    /** A question that timed out is still in the bulkhead's queue; it is not sent. */
    private Uni<Boolean> inTime(long asked, Supplier<Uni<Boolean>> question) {
        return System.nanoTime() - asked < timeout.toNanos()
                ? question.get()
                : Uni.createFrom().failure(new TimeoutException());
    }
}
