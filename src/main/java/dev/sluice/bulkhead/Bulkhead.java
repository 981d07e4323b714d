package dev.sluice.bulkhead;

import io.smallrye.faulttolerance.api.TypedGuard;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.util.TypeLiteral;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.function.Supplier;
import org.eclipse.microprofile.faulttolerance.exceptions.BulkheadException;
import org.eclipse.microprofile.faulttolerance.exceptions.TimeoutException;

/**
 * Limits how many calls run and wait at once, with a timeout that includes the time in the queue. Thread-safe.
 *
 * @param <T> what a call returns
 */
public final class Bulkhead<T> {

    private final Duration timeout;
    private final TypedGuard<Uni<T>> guard;

    /**
     * Creates a bulkhead.
     *
     * @param awaited what a call waits for; tells the metrics of Fault Tolerance apart, so no two are equal
     * @param timeout of each call, including the time in the queue
     * @param concurrency calls that may run at once
     * @param pending calls that may wait at once; at least 1
     */
    public Bulkhead(String awaited, Duration timeout, int concurrency, int pending) {
        this.timeout = timeout;
        guard = TypedGuard.create(new TypeLiteral<Uni<T>>() {})
                // The exception of a timeout says that this timed out.
                .withDescription("waiting " + timeout + " for " + awaited)
                .withBulkhead()
                .limit(concurrency)
                .queueSize(pending)
                .done()
                .withTimeout()
                .duration(timeout.toMillis(), ChronoUnit.MILLIS)
                .done()
                .build();
    }

    /**
     * Runs the call as soon as the concurrency allows. Fails with {@link BulkheadException} if too many wait, and with
     * {@link TimeoutException} if it takes too long. A call that waited starts on the thread on which another one
     * ended.
     */
    public Uni<T> call(Supplier<Uni<T>> call) {
        long called = System.nanoTime();
        try {
            return guard.call(() -> inTime(called, call));
        } catch (Exception e) {
            return Uni.createFrom().failure(e);
        }
    }

    /** Skips a call that timed out in the queue. */
    private Uni<T> inTime(long called, Supplier<Uni<T>> call) {
        return System.nanoTime() - called < timeout.toNanos()
                ? call.get()
                : Uni.createFrom().failure(new TimeoutException("there was no room within " + timeout));
    }
}
