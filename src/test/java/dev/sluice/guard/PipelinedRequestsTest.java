package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.impl.Http1xServerConnection;
import io.vertx.core.http.impl.VertxHttpRequestDecoder;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.impl.VertxHandler;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Tests how {@link RequestGuard} passes pipelined requests to Vert.x's own connection. */
// Operations of an embedded channel complete immediately.
@SuppressWarnings("FutureReturnValueIgnored")
class PipelinedRequestsTest {

    private static final VertxInternal VERTX = (VertxInternal) Vertx.vertx();
    private static final HttpServerOptions OPTIONS = new HttpServerOptions();
    private static final int MAX_HELD = 4096;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final RequestLimiter limits = limits(2 * MAX_HELD);
    private final List<HttpServerRequest> requests = new ArrayList<>();
    private final List<String> bodies = new ArrayList<>();

    private int ended;
    private int closed;

    @AfterAll
    static void stop() throws Exception {
        VERTX.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }

    @AfterEach
    void nothingIsChargedToThePod() {
        assertThat(limits.hold(2 * MAX_HELD)).isTrue();
    }

    /** Fails once a new version of Vert.x has fixed the bug. */
    @Test
    void vertxDoesNotDetectTheEndOfAConnectionWithinAQueuedRequest() {
        EmbeddedChannel channel = channel(new ChannelInboundHandlerAdapter());
        say(channel, post("one") + part("two"));
        channel.close();
        assertThat(ended).isZero();
        assertThat(closed).isZero();
    }

    @Test
    void endWithinALaterRequestClosesTheEarlierOne() {
        EmbeddedChannel channel = guarded(limits);
        ByteBuf sent = say(channel, post("one") + part("two"));
        channel.close();
        channel.checkException();
        assertThat(requests).hasSize(1);
        assertThat(ended).isEqualTo(1);
        assertThat(closed).isEqualTo(1);
        assertThat(sent.refCnt()).isZero();
    }

    @Test
    void endWithinTheHeadOfALaterRequestClosesTheEarlierOne() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, post("one") + "POST /");
        channel.close();
        channel.checkException();
        assertThat(requests).hasSize(1);
        assertThat(ended).isEqualTo(1);
        assertThat(closed).isEqualTo(1);
    }

    @Test
    void requestsArePassedOnOneAtATimeInOrder() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, post("one") + post("two") + post("three"));
        assertThat(bodies).containsExactly("one");
        answer(channel, 0);
        assertThat(bodies).containsExactly("one", "two");
        answer(channel, 1);
        assertThat(bodies).containsExactly("one", "two", "three");
        answer(channel, 2);
        assertThat(channel.config().isAutoRead()).isTrue();
    }

    @Test
    void restOfARequestIsPassedOnImmediately() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, post("one") + part("two"));
        answer(channel, 0);
        assertThat(requests).hasSize(2);
        say(channel, "o" + post("three"));
        assertThat(bodies).containsExactly("one", "two");
        answer(channel, 1);
        assertThat(bodies).containsExactly("one", "two", "three");
    }

    @Test
    void nothingIsReadWhileARequestIsHeld() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, post("one"));
        assertThat(channel.config().isAutoRead()).isTrue();
        say(channel, post("two"));
        assertThat(channel.config().isAutoRead()).isFalse();
        // Vert.x does the same when the body of a request has been read.
        channel.config().setAutoRead(true);
        say(channel, post("three"));
        assertThat(channel.config().isAutoRead()).isFalse();
        answer(channel, 0);
        assertThat(channel.config().isAutoRead()).isFalse();
        answer(channel, 1);
        assertThat(channel.config().isAutoRead()).isTrue();
    }

    @Test
    void readingPausedByVertxIsNotResumed() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, post("one"));
        channel.config().setAutoRead(false);
        say(channel, post("two"));
        answer(channel, 0);
        assertThat(bodies).containsExactly("one", "two");
        assertThat(channel.config().isAutoRead()).isFalse();
    }

    @Test
    void requestIsHeldUntilTheClientReadsThePreviousResponse() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, post("one") + post("two"));
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        channel.runPendingTasks();
        answer(channel, 0);
        assertThat(requests).hasSize(1);
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        channel.runPendingTasks();
        assertThat(bodies).containsExactly("one", "two");
    }

    @Test
    void deadlineOfARequestDoesNotRunWhileItIsHeld() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, post("one") + part("two"));
        pass(channel, 100);
        assertThat(channel.isOpen()).isTrue();
        answer(channel, 0);
        pass(channel, 9);
        assertThat(channel.isOpen()).isTrue();
        pass(channel, 2);
        assertThat(channel.isOpen()).isFalse();
        assertThat(refused("request-timeout")).isEqualTo(1);
    }

    @Test
    void heldBytesOfAConnectionAreBounded() {
        EmbeddedChannel channel = guarded(limits);
        ByteBuf sent = say(channel, post("one") + post("x".repeat(MAX_HELD)));
        assertThat(channel.isOpen()).isFalse();
        assertThat(refused("pipelined-requests")).isEqualTo(1);
        assertThat(sent.refCnt()).isZero();
    }

    @Test
    void heldBytesOfThePodAreBounded() {
        RequestLimiter one = limits(MAX_HELD);
        EmbeddedChannel first = guarded(one);
        EmbeddedChannel second = guarded(one);
        String held = post("one") + post("x".repeat(MAX_HELD / 2));
        say(first, held);
        say(second, held);
        assertThat(first.isOpen()).isTrue();
        assertThat(second.isOpen()).isFalse();
        assertThat(refused("pipelined-requests")).isEqualTo(1);
        first.close();
    }

    @Test
    void requestAfterAnUpgradeClosesTheConnection() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n" + post("two"));
        assertThat(requests).hasSize(1);
        // The same response as that of Vert.x's handshake.
        channel.writeOneOutbound(new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.SWITCHING_PROTOCOLS, Unpooled.EMPTY_BUFFER));
        assertThat(channel.pipeline().get(RequestGuard.class)).isNull();
        assertThat(channel.isOpen()).isFalse();
        assertThat(requests).hasSize(1);
        assertThat(refused("pipelined-requests")).isEqualTo(1);
    }

    @Test
    void requestAfterARefusedUpgradeIsAnswered() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n" + post("two"));
        answer(channel, 0);
        assertThat(bodies).containsExactly("", "two");
    }

    @Test
    void requestAfterTheLastResponseIsIgnored() {
        EmbeddedChannel channel = guarded(limits);
        say(channel, post("one") + post("two"));
        requests.get(0).response().putHeader("Connection", "close").end();
        channel.runPendingTasks();
        say(channel, post("three"));
        assertThat(bodies).containsExactly("one");
        assertThat(refused("pipelined-requests")).isZero();
        channel.close();
    }

    /** {@link RequestGuard} acquires this lock to wait until Vert.x has ended a response. */
    @Test
    void vertxEndsAResponseUnderTheLockOfItsConnection() {
        List<Boolean> locked = new ArrayList<>();
        EmbeddedChannel channel = channel(new ChannelDuplexHandler() {
            @Override
            public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
                locked.add(Thread.holdsLock(TcpChannel.connection(context.pipeline())));
                context.write(message, promise);
            }
        });
        say(channel, post("one"));
        answer(channel, 0);
        assertThat(locked).containsExactly(true);
    }

    private RequestLimiter limits(long heldByPod) {
        return new RequestLimiter(
                new RequestLimiter.Bounds(Duration.ofSeconds(10), 100, 8, MAX_HELD, heldByPod),
                32 * 1024,
                OptionalInt.empty(),
                metrics);
    }

    private EmbeddedChannel guarded(RequestLimiter limiter) {
        return channel(new HttpDetector(limiter));
    }

    private EmbeddedChannel channel(ChannelHandler first) {
        return new EmbeddedChannel(first, new VertxHttpRequestDecoder(OPTIONS), VertxHandler.create(this::connection));
    }

    private Http1xServerConnection connection(ChannelHandlerContext handler) {
        ContextInternal context = VERTX.createEventLoopContext(
                handler.channel().eventLoop(), null, getClass().getClassLoader());
        Http1xServerConnection connection = new Http1xServerConnection(
                context::duplicate, null, OPTIONS, handler, context, "http://localhost", null);
        connection.handler(this::received);
        connection.invalidRequestHandler(this::received);
        connection.closeHandler(end -> closed++);
        return connection;
    }

    private void received(HttpServerRequest request) {
        requests.add(request);
        request.bodyHandler(body -> bodies.add(body.toString()));
        request.response().closeHandler(end -> ended++);
    }

    private static ByteBuf say(EmbeddedChannel channel, String text) {
        // Vert.x copies pooled buffers.
        ByteBuf bytes = PooledByteBufAllocator.DEFAULT.buffer();
        bytes.writeCharSequence(text, StandardCharsets.US_ASCII);
        channel.writeInbound(bytes);
        return bytes;
    }

    private void answer(EmbeddedChannel channel, int number) {
        requests.get(number).response().end();
        channel.runPendingTasks();
        assertThat(channel.<HttpResponse>readOutbound()).isNotNull();
    }

    private static void pass(EmbeddedChannel channel, long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        channel.runPendingTasks();
    }

    private double refused(String limit) {
        return metrics.get("sluice.refused").tag("limit", limit).counter().count();
    }

    private static String post(String body) {
        return "POST / HTTP/1.1\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    /** Returns the request without its last byte. */
    private static String part(String body) {
        String whole = post(body);
        return whole.substring(0, whole.length() - 1);
    }
}
