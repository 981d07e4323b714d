package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Tests {@link HttpDetector} and {@link RequestGuard} over the life of a connection. */
class RequestGuardTest {

    private static final String REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    private static final RequestLimiter.Bounds BOUNDS =
            new RequestLimiter.Bounds(Duration.ofSeconds(10), 100, 8, 64 * 1024, 8 * 1024 * 1024);

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final EmbeddedChannel channel = new EmbeddedChannel(
            new HttpDetector(new RequestLimiter(BOUNDS, 32 * 1024, OptionalInt.empty(), metrics)),
            new HttpRequestDecoder(),
            // Stands for Vert.x's handler.
            new ChannelInboundHandlerAdapter());

    private @Nullable Throwable failure;

    @Test
    void silentConnectionIsClosed() {
        pass(9);
        assertThat(channel.isOpen()).isTrue();
        pass(2);
        assertCut("request-timeout");
    }

    @Test
    void tricklingBytesDoNotExtendTheTimeout() {
        for (int i = 0; i < 9; i++) {
            say(REQUEST.substring(i, i + 1));
            pass(1);
        }
        assertThat(channel.isOpen()).isTrue();
        pass(2);
        assertCut("request-timeout");
    }

    @Test
    void tricklingBodyDoesNotExtendTheTimeout() {
        say("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n");
        for (int i = 0; i < 9; i++) {
            say("x");
            pass(1);
        }
        assertThat(channel.isOpen()).isTrue();
        pass(2);
        assertCut("request-timeout");
    }

    @Test
    void idleConnectionIsNotClosedBetweenRequests() {
        say(REQUEST);
        answer(200);
        pass(1000);
        assertThat(channel.isOpen()).isTrue();
        say("G");
        pass(9);
        assertThat(channel.isOpen()).isTrue();
        pass(2);
        assertCut("request-timeout");
    }

    @Test
    void slowAnswerIsNotClosed() {
        say(REQUEST);
        pass(1000);
        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void unreadAnswerIsClosed() {
        say(REQUEST);
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        channel.runPendingTasks();
        pass(9);
        assertThat(channel.isOpen()).isTrue();
        pass(2);
        assertCut("request-timeout");
    }

    @Test
    void readingRestartsTheTimeout() {
        say(REQUEST);
        for (int i = 0; i < 5; i++) {
            channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
            channel.runPendingTasks();
            pass(9);
            channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
            channel.runPendingTasks();
        }
        pass(100);
        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void pipeliningWithoutReadingIsClosed() {
        say(REQUEST);
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        channel.runPendingTasks();
        say(REQUEST);
        assertCut("pipelined-requests");
    }

    @Test
    void waitingRequestsAreBounded() {
        say(REQUEST.repeat(BOUNDS.maxPipelined()));
        answer(200);
        say(REQUEST);
        assertThat(channel.isOpen()).isTrue();
        say(REQUEST.repeat(1000));
        assertCut("pipelined-requests");
    }

    @Test
    void continueIsNotTheFinalResponse() {
        for (int i = 0; i < BOUNDS.maxPipelined(); i++) {
            say(REQUEST);
            answer(100);
        }
        say(REQUEST);
        assertCut("pipelined-requests");
    }

    @Test
    void requestWithTooManyHeaderLinesFailsBeforeItsEnd() {
        String line = "a:\r\n";
        say("GET / HTTP/1.1\r\n" + line.repeat(BOUNDS.maxLines()));
        assertThat(failure).isNull();
        say(line.repeat(10_000));
        assertThat(failure).isInstanceOf(TooLongHttpHeaderException.class);
        assertThat(refused("header-lines")).isEqualTo(1);
    }

    @Test
    void linesAreCountedForEachRequest() {
        String half = "a:\r\n".repeat(BOUNDS.maxLines() / 2 + 1);
        for (int i = 0; i < 5; i++) {
            say("GET / HTTP/1.1\r\n" + half + "\r\n");
            answer(200);
        }
        assertThat(failure).isNull();
        assertThat(refused("header-lines")).isZero();
        say("GET / HTTP/1.1\r\n" + half + half + "\r\n");
        assertThat(failure).isInstanceOf(TooLongHttpHeaderException.class);
    }

    @Test
    void linesOfATrailerCountAsWell() {
        say("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n");
        say("a:\r\n".repeat(BOUNDS.maxLines() - 1));
        assertThat(failure).isNull();
        say("a:\r\n");
        assertThat(failure).isInstanceOf(TooLongHttpHeaderException.class);
    }

    @Test
    void webSocketIsNotLimited() {
        say(REQUEST);
        answer(101);
        assertThat(channel.pipeline().get(RequestGuard.class)).isNull();
        pass(1000);
        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void requestOfAnotherHttpVersionIsRefusedAfterEarlierOnes() {
        say(REQUEST);
        say("GET / HTTP/2.0\r\n\r\n" + REQUEST);
        assertThat(channel.isOpen()).isTrue();
        assertThat(channel.outboundMessages()).isEmpty();
        answer(200);
        channel.runPendingTasks();
        FullHttpResponse refusal = channel.readOutbound();
        assertThat(refusal.status()).isEqualTo(HttpResponseStatus.NOT_IMPLEMENTED);
        refusal.release();
        assertThat(channel.isOpen()).isFalse();
    }

    private void say(String text) {
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
        for (Object message = channel.readInbound(); message != null; message = channel.readInbound()) {
            if (message instanceof HttpObject object && object.decoderResult().isFailure()) {
                failure = object.decoderResult().cause();
            }
            ReferenceCountUtil.release(message);
        }
    }

    private void answer(int status) {
        channel.writeOutbound(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status)));
        ReferenceCountUtil.release(channel.readOutbound());
    }

    private void pass(long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        channel.runPendingTasks();
    }

    private void assertCut(String limit) {
        assertThat(channel.isOpen()).isFalse();
        assertThat(refused(limit)).isEqualTo(1);
    }

    private double refused(String limit) {
        return metrics.get("sluice.refused").tag("limit", limit).counter().count();
    }
}
