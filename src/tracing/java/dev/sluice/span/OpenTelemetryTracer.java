package dev.sluice.span;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.vertx.core.http.HttpServerRequest;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/** Records spans with OpenTelemetry, unless it is disabled. Thread-safe. */
@Singleton
final class OpenTelemetryTracer implements Tracer {

    private static final String OUTCOME = "sluice.outcome";

    private static final TextMapGetter<HttpServerRequest> HEADERS = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(HttpServerRequest request) {
            return request.headers().names();
        }

        @Override
        public @Nullable String get(@Nullable HttpServerRequest request, String key) {
            return request == null ? null : request.getHeader(key);
        }
    };

    private final io.opentelemetry.api.trace.Tracer tracer;
    private final TextMapPropagator propagator = W3CTraceContextPropagator.getInstance();
    private final boolean disabled;

    OpenTelemetryTracer(OpenTelemetry telemetry, @ConfigProperty(name = "quarkus.otel.sdk.disabled") boolean disabled) {
        this.tracer = telemetry.getTracer("dev.sluice");
        this.disabled = disabled;
    }

    @Override
    public Span start(String name, HttpServerRequest request) {
        return disabled
                ? Span.NONE
                : start(name, SpanKind.SERVER, propagator.extract(Context.root(), request, HEADERS));
    }

    private Span start(String name, SpanKind kind, Context parent) {
        return new Recorded(
                tracer.spanBuilder(name).setSpanKind(kind).setParent(parent).startSpan());
    }

    private final class Recorded implements Span {

        private volatile io.opentelemetry.api.trace.Span span;

        Recorded(io.opentelemetry.api.trace.Span span) {
            this.span = span;
        }

        @Override
        public Span child(String name) {
            return start(name, SpanKind.INTERNAL, context());
        }

        @Override
        public Span call(String name) {
            return start(name, SpanKind.CLIENT, context());
        }

        @Override
        public Span set(String key, String value) {
            span.setAttribute(key, value);
            return this;
        }

        @Override
        public void end(String outcome) {
            span.setAttribute(OUTCOME, outcome);
            span.end();
            // Connections keep their span for its children, which need only its ids.
            span = io.opentelemetry.api.trace.Span.wrap(span.getSpanContext());
        }

        @Override
        public void fail(String outcome) {
            span.setStatus(StatusCode.ERROR);
            end(outcome);
        }

        @Override
        public @Nullable String header(String name) {
            Map<String, String> headers = new HashMap<>();
            propagator.inject(context(), headers, (all, key, value) -> {
                if (all != null) {
                    all.put(key, value);
                }
            });
            return headers.get(name);
        }

        private Context context() {
            return Context.root().with(span);
        }
    }
}
