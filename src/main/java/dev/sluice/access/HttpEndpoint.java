package dev.sluice.access;

import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
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
            Future<HttpClientRequest> request = client.request(options(span));
            return Uni.createFrom()
                    .completionStage(request.compose(sent -> sent.send(question.toBuffer()))
                            .compose(response -> response.end().map(response.statusCode()))
                            .toCompletionStage())
                    .onCancellation()
                    .invoke(() -> request.onSuccess(HttpClientRequest::reset))
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
}
