package dev.sluice.access;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.http.HttpClientRequest;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;

/** A fetch that is under way, and whose time may run out. Safe for several threads. */
final class KeyFetchAttempt {

    private final Duration timeout;
    private final Promise<KeyServer.Fetched> outcome = Promise.promise();
    private final AtomicReference<HttpClientRequest> current = new AtomicReference<>();

    KeyFetchAttempt(Duration timeout) {
        this.timeout = timeout;
    }

    /** What it comes to. */
    Promise<KeyServer.Fetched> outcome() {
        return outcome;
    }

    /** Whether the outcome is there, so that no further request is to be sent. */
    boolean isOver() {
        return outcome.future().isComplete();
    }

    /** The request, which is reset when the time runs out; fails where it has run out. */
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

    /** The time has run out. */
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
