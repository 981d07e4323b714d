package dev.sluice.span;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.http.HttpServerRequest;
import java.lang.reflect.Proxy;
import java.time.DayOfWeek;
import org.junit.jupiter.api.Test;

class SpanTest {

    /** The usual build neither reads nor creates anything for tracing. */
    @Test
    void nothingIsRecordedWithoutTheProfile() {
        HttpServerRequest unread = (HttpServerRequest) Proxy.newProxyInstance(
                SpanTest.class.getClassLoader(), new Class<?>[] {HttpServerRequest.class}, (proxy, method, x) -> {
                    throw new UnsupportedOperationException(method.getName());
                });

        Span span = new NoTracer().start("upgrade", unread);

        assertThat(span).isSameAs(Span.NONE);
        assertThat(span.child("subscribe")).isSameAs(span);
        assertThat(span.call("webhook")).isSameAs(span);
        assertThat(span.set("sluice.channel", "upload:42")).isSameAs(span);
        assertThat(span.header("traceparent")).isNull();
    }

    @Test
    void answersOfServerErrorsAreFailures() {
        RecordingSpan span = new RecordingSpan("upgrade");
        span.child("one").answered(101);
        span.child("two").answered(403);
        span.child("three").answered(503);
        span.child("four").end(DayOfWeek.MONDAY);
        assertThat(span.ended()).containsExactly("one: 101", "two: 403", "three failed: 503", "four: monday");
    }
}
