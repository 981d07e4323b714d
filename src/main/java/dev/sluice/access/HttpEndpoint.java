package dev.sluice.access;

import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Posts questions to a URL as JSON. The body of an answer is discarded. Follows no redirects. Thread-safe.
 *
 * @param timeout until the answer has been received as a whole; then the connection is closed
 */
record HttpEndpoint(HttpClient client, URI url, Duration timeout) implements BackendClient.Endpoint {

    /** The headers by which tracing systems connect spans. */
    private static final List<String> SPAN_HEADERS = List.of("traceparent", "tracestate");

    @Override
    public Uni<Integer> post(JsonObject question, Span span) {
        return Uni.createFrom().deferred(() -> {
            Exchange exchange = new Exchange(question.toBuffer());
            return Uni.createFrom()
                    .completionStage(client.request(options(span))
                            .compose(exchange::send)
                            .toCompletionStage())
                    .onCancellation()
                    .invoke(exchange::giveUp)
                    .ifNoItem()
                    .after(timeout)
                    // Vert.x's own exceptions of timeouts quote the URL, which may contain a secret.
                    .failWith(() -> new TimeoutException("no answer within " + timeout));
        });
    }

    private RequestOptions options(Span span) {
        RequestOptions options = new RequestOptions()
                .setMethod(HttpMethod.POST)
                .setAbsoluteURI(url.toASCIIString())
                // Also of a request that waits for a connection.
                .setConnectTimeout(timeout.toMillis())
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                .putHeader(HttpHeaders.USER_AGENT, "Sluice");
        for (String name : SPAN_HEADERS) {
            String value = span.header(name);
            if (value != null) {
                options.putHeader(name, value);
            }
        }
        return options;
    }

    /** A request that is given up when nobody awaits its answer any more. */
    private static final class Exchange {

        private final Buffer question;
        private boolean givenUp;
        private @Nullable HttpClientRequest sent;

        Exchange(Buffer question) {
            this.question = question;
        }

        Future<Integer> send(HttpClientRequest request) {
            // Without handlers, Vert.x logs what the future reports.
            request.exceptionHandler(reported -> {});
            synchronized (this) {
                if (givenUp) {
                    // Returns the connection, as nothing has been sent.
                    request.reset();
                    return Future.failedFuture(new TimeoutException("given up"));
                }
                sent = request;
            }
            return request.send(question)
                    .compose(response ->
                            response.exceptionHandler(reported -> {}).end().map(response.statusCode()));
        }

        void giveUp() {
            HttpClientRequest request;
            synchronized (this) {
                givenUp = true;
                request = sent;
            }
            if (request != null) {
                request.reset();
            }
        }
    }
}
