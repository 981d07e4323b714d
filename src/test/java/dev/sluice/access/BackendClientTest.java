package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.span.Span;
import io.netty.handler.codec.TooLongFrameException;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.helpers.test.UniAssertSubscriber;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class BackendClientTest {

    private final Answers pooled = new Answers();
    private final Answers unpooled = new Answers();
    private final BackendClient client = new BackendClient(pooled, unpooled);

    static List<Throwable> closed() {
        return List.of(
                new HttpClosedException("Connection was closed"),
                new IOException("Connection reset by peer"),
                new SocketException("Connection reset"),
                new ClosedChannelException());
    }

    static List<Throwable> others() {
        return List.of(
                new TooLongFrameException("a header is too long"),
                new ConnectException("Connection refused"),
                new NoRouteToHostException("No route to host"),
                new UnknownHostException("backend"),
                new SSLHandshakeException("no certificate"),
                new TimeoutException());
    }

    @ParameterizedTest
    @MethodSource("closed")
    void requestIsRepeatedOnANewConnection(Throwable failure) {
        pooled.next.add(Uni.createFrom().failure(failure));
        unpooled.next.add(Uni.createFrom().item(200));
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

    @ParameterizedTest
    @ValueSource(ints = {200, 302, 403, 500})
    void answeredRequestIsNotRepeated(int status) {
        pooled.next.add(Uni.createFrom().item(status));
        ask().assertCompleted().assertItem(status);
    }

    private UniAssertSubscriber<Integer> ask() {
        return client.ask(new JsonObject(), Span.NONE).subscribe().withSubscriber(UniAssertSubscriber.create());
    }

    /** A backend that fails if it is asked more often than there are answers. */
    private static final class Answers implements BackendClient.Endpoint {

        private final Deque<Uni<Integer>> next = new ArrayDeque<>();

        @Override
        public Uni<Integer> post(JsonObject question, Span span) {
            return next.remove();
        }
    }
}
