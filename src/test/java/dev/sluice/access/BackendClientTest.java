package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.helpers.test.UniAssertSubscriber;
import io.vertx.core.http.HttpClosedException;
import jakarta.ws.rs.ProcessingException;
import jakarta.ws.rs.WebApplicationException;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLHandshakeException;
import org.jboss.resteasy.reactive.RestResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BackendClientTest {

    private final Answers pooled = new Answers();
    private final Answers unpooled = new Answers();
    private final BackendClient client = new BackendClient(pooled.backend, unpooled.backend);

    static List<Throwable> closed() {
        return List.of(
                new IOException("Connection was closed"),
                new HttpClosedException("Connection was closed"),
                new SocketException("Connection reset"),
                new ClosedChannelException(),
                new ProcessingException(new IOException("Connection was closed")));
    }

    static List<Throwable> others() {
        return List.of(
                new IOException("a header is too long"),
                new ProcessingException(new IOException("a header is too long")),
                new ProcessingException("without a cause"),
                new ConnectException("Connection refused"),
                new NoRouteToHostException("No route to host"),
                new UnknownHostException("backend"),
                new SSLHandshakeException("no certificate"),
                new TimeoutException(),
                new WebApplicationException(500));
    }

    @ParameterizedTest
    @MethodSource("closed")
    void requestIsRepeatedOnANewConnection(Throwable failure) {
        pooled.next.add(Uni.createFrom().failure(failure));
        unpooled.next.add(Uni.createFrom().item(RestResponse.ok()));
        ask().assertCompleted();
        assertThat(unpooled.next).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("closed")
    void requestIsRepeatedOnlyOnce(Throwable failure) {
        pooled.next.add(Uni.createFrom().failure(failure));
        unpooled.next.add(Uni.createFrom().failure(failure));
        ask().assertFailedWith(failure.getClass());
        assertThat(unpooled.next).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("others")
    void noRequestIsRepeatedAfterAnotherFailure(Throwable failure) {
        pooled.next.add(Uni.createFrom().failure(failure));
        ask().assertFailedWith(failure.getClass());
    }

    @Test
    void answeredRequestIsNotRepeated() {
        pooled.next.add(Uni.createFrom().item(RestResponse.ok()));
        ask().assertCompleted();
    }

    private UniAssertSubscriber<RestResponse<Void>> ask() {
        return client.send(
                        Span.NONE,
                        (backend, span) -> backend.mayListen(null, null, new Backend.Question("7", "report:42")))
                .subscribe()
                .withSubscriber(UniAssertSubscriber.create());
    }

    /**
     * A backend that fails if it is asked more often than there are answers. A proxy, because Quarkus takes a class of the
     * tests that implements the interface for an endpoint.
     */
    private static final class Answers {

        private final Deque<Uni<RestResponse<Void>>> next = new ArrayDeque<>();
        private final Backend backend = (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) -> next.remove());
    }
}
