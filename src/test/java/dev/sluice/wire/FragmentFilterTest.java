package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FragmentFilterTest {

    private final FragmentFilter fragments = new FragmentFilter(TestInbound.MAX_FRAME);

    @Test
    void nonEmptyFragmentsPassUnchanged() {
        for (WebSocketFrame message : new WebSocketFrame[] {
            new TextWebSocketFrame("{}"),
            new TextWebSocketFrame(""),
            new TextWebSocketFrame(false, 0, "{"),
            new ContinuationWebSocketFrame(false, 0, ""),
            new ContinuationWebSocketFrame(true, 0, "}"),
            new BinaryWebSocketFrame(),
            new PongWebSocketFrame()
        }) {
            assertThat(fragments.next(message)).isSameAs(message);
        }
    }

    @Test
    void emptyFirstFragmentIsReplacedByTheFirstWithPayload() {
        assertThat(fragments.next(new TextWebSocketFrame(false, 0, ""))).isNull();
        assertThat(fragments.next(new ContinuationWebSocketFrame(false, 0, ""))).isNull();
        WebSocketFrame between = new PongWebSocketFrame();
        assertThat(fragments.next(between)).isSameAs(between);
        assertFrame(
                fragments.next(new ContinuationWebSocketFrame(false, 0, "{")), TextWebSocketFrame.class, "{", false);
        WebSocketFrame end = new ContinuationWebSocketFrame(true, 0, "}");
        assertThat(fragments.next(end)).isSameAs(end);
    }

    @Test
    void emptyFragmentedMessageIsAMessage() {
        assertThat(fragments.next(new BinaryWebSocketFrame(false, 0, Unpooled.EMPTY_BUFFER)))
                .isNull();
        assertFrame(fragments.next(new ContinuationWebSocketFrame(true, 0, "")), BinaryWebSocketFrame.class, "", true);
    }

    @Test
    void droppedFramesAreReleased() {
        ByteBuf nothing = Unpooled.buffer();
        assertThat(fragments.next(new TextWebSocketFrame(false, 0, nothing))).isNull();
        assertThat(nothing.refCnt()).isZero();
        ByteBuf something = Unpooled.copiedBuffer("{}", StandardCharsets.US_ASCII);
        WebSocketFrame next = fragments.next(new ContinuationWebSocketFrame(true, 0, something));
        assertThat(something.refCnt()).isEqualTo(1);
        Objects.requireNonNull(next).release();
        assertThat(something.refCnt()).isZero();
    }

    private static void assertFrame(
            @Nullable WebSocketFrame frame, Class<? extends WebSocketFrame> kind, String content, boolean last) {
        assertThat(frame).isInstanceOf(kind);
        assertThat(Objects.requireNonNull(frame).content().toString(StandardCharsets.UTF_8))
                .isEqualTo(content);
        assertThat(Objects.requireNonNull(frame).isFinalFragment()).isEqualTo(last);
    }
}
