package dev.sluice.access;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.http.HttpClientRequest;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;

/** A fetch under way, which may time out. Thread-safe. */
final class KeyFetchAttempt {

    private final Duration timeout;
    private final Promise<KeyServer.Fetched> outcome = Promise.promise();
    private final AtomicReference<HttpClientRequest> current = new AtomicReference<>();

    KeyFetchAttempt(Duration timeout) {
        this.timeout = timeout;
    }

    /** The outcome of the fetch. */
    Promise<KeyServer.Fetched> outcome() {
        return outcome;
    }

    /** Whether the fetch is over, so that no further request is sent. */
    boolean isOver() {
        return outcome.future().isComplete();
    }

    /** Registers a request, which is reset at the timeout; fails after the timeout. */
    Future<HttpClientRequest> watch(HttpClientRequest request) {
        current.set(request);
        if (!isOver()) {
            return Future.succeededFuture(request);
        }
        // Without a handler Vert.x would log that it was reset.
        request.exceptionHandler(reset -> {});
        request.reset();
        return tooLate();
    }

    /** Ends the fetch at its timeout. */
    void timeOut() {
        if (outcome.tryFail(new TimeoutException("no complete answer within " + timeout.toSeconds() + " s"))) {
            HttpClientRequest request = current.get();
            if (request != null) {
                request.reset();
            }
        }
    }

    static <T> Future<T> tooLate() {
        return Future.failedFuture(new TimeoutException("the time had run out"));
    }
}
