package dev.sluice.span;

import io.quarkus.arc.DefaultBean;
import io.vertx.core.http.HttpServerRequest;
import jakarta.inject.Singleton;

/** Records nothing. The profile {@code tracing} replaces it. */
@DefaultBean
@Singleton
final class NoTracer implements Tracer {

    @Override
    public Span start(String name, HttpServerRequest request) {
        return Span.NONE;
    }
}
