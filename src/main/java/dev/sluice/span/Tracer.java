package dev.sluice.span;

import io.vertx.core.http.HttpServerRequest;

/** Starts spans. Thread-safe. */
public interface Tracer {

    /** Starts the span of a request, as a child of the span that the request's {@code traceparent} names. */
    Span start(String name, HttpServerRequest request);
}
