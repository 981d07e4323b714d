package dev.sluice.access;

import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import javax.net.ssl.SSLException;

/**
 * Asks a backend, each question in a span of its own. Repeats a request once, on a new connection, if its connection
 * was closed or reset before the answer: a backend may close an idle connection just when it is used again. Thread-safe.
 */
final class BackendClient {

    /** Where questions go. */
    @FunctionalInterface
    interface Endpoint {

        /** Sends a request, with the headers of the span; answers with the HTTP status. */
        Uni<Integer> post(JsonObject question, Span span);
    }

    private final Endpoint backend;

    /** Opens a connection for each request, because several idle connections may have been closed at once. */
    private final Endpoint unpooled;

    BackendClient(Endpoint backend, Endpoint unpooled) {
        this.backend = backend;
        this.unpooled = unpooled;
    }

    /**
     * Asks; answers with the HTTP status. The caller's timeout must include the repetition.
     *
     * @param parent the span of the client's request
     */
    Uni<Integer> ask(JsonObject question, Span parent) {
        Span span = parent.call("webhook");
        return backend.post(question, span)
                .onFailure(BackendClient::wasClosed)
                .recoverWithUni(() -> unpooled.post(question, span))
                .onItem()
                .invoke(span::answered)
                .onFailure()
                .invoke(failure -> span.fail("no answer"))
                .onCancellation()
                .invoke(() -> span.fail("timeout"));
    }

    /** Whether the connection had been opened, and was closed or reset before the answer. */
    private static boolean wasClosed(Throwable failure) {
        boolean unopened = failure instanceof ConnectException
                || failure instanceof NoRouteToHostException
                || failure instanceof UnknownHostException
                || failure instanceof SSLException;
        return failure instanceof HttpClosedException || (failure instanceof IOException && !unopened);
    }
}
