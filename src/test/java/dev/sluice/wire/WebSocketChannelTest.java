package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.TurnScheduler;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledHeapByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameEncoder;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WebSocketChannelTest {

    private static final byte[] TEXT = {(byte) 0x81, (byte) 0x81, 0, 0, 0, 0, 'x'};
    private static final byte[] PONG = {(byte) 0x8a, (byte) 0x80, 0, 0, 0, 0};
    private static final byte[] TOO_LARGE = {(byte) 0x81, (byte) 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final List<Throwable> failures = new ArrayList<>();
    private final EmbeddedChannel channel = new EmbeddedChannel();

    WebSocketChannelTest() {
        Inbound inbound = inbound(channel);
        inbound.watch(new RecordingPeer());
        channel.pipeline()
                .addLast(
                        // Vert.x's settings.
                        new WebSocket13FrameDecoder(WebSocketDecoderConfig.newBuilder()
                                .closeOnProtocolViolation(false)
                                .maxFramePayloadLength(32 * 1024)
                                .build()),
                        new WebSocketChannel(channel, slots(), inbound),
                        inbound,
                        // Stands for Vert.x's handler.
                        new ChannelInboundHandlerAdapter() {
                            @Override
                            public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                                failures.add(cause);
                            }
                        });
    }

    private Inbound inbound(EmbeddedChannel of) {
        FrameRate rate = new FrameRate(50, 512, System::nanoTime, metrics);
        InboundBudget budget = new InboundBudget(1 << 16, 1 << 20, 1 << 15, 1 << 16, metrics);
        return new Inbound(of, rate, budget, new TurnScheduler(Runnable::run));
    }

    private ConnectionSlots slots() {
        return new ConnectionSlots(1, 1, 1, metrics);
    }

    /** The client may disconnect while its upgrade waits in the turn scheduler. */
    @Test
    void channelClosedBeforeItsUpgradeIsNotOpen() {
        EmbeddedChannel left = new EmbeddedChannel(new ChannelInboundHandlerAdapter());
        left.close().syncUninterruptibly();
        assertThat(WebSocketChannel.install(left, slots(), inbound(left)).isOpen())
                .isFalse();
    }

    @Test
    void bytesAfterAViolationAreDropped() {
        say(TEXT);
        assertThat(channel.inboundMessages()).hasSize(1);
        channel.releaseInbound();
        // Sends part of the data in the same read.
        ByteBuf first = say(TOO_LARGE, new byte[50_000], PONG);
        assertThat(failures).hasSize(1);
        assertThat(channel.<CloseWebSocketFrame>readOutbound().statusCode()).isEqualTo(1009);
        assertThat(first.refCnt()).isZero();

        for (int i = 0; i < 10; i++) {
            ByteBuf further = notReadByteByByte();
            channel.writeInbound(further);
            assertThat(further.refCnt()).isZero();
        }
        assertThat(channel.<Object>readInbound()).isNull();
        assertThat(failures).hasSize(1);
    }

    @Test
    void connectionEndsTwoSecondsAfterACloseFrameAtTheLatest() {
        channel.writeOutbound(new CloseWebSocketFrame());
        channel.advanceTimeBy(1900, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isOpen()).isTrue();
        channel.advanceTimeBy(200, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isOpen()).isFalse();
        channel.releaseOutbound();
    }

    @Test
    void encodedWritesPassNoHandlerBehindTheFrameEncoder() {
        List<Object> passed = new ArrayList<>();
        EmbeddedChannel upgraded = new EmbeddedChannel(
                new WebSocket13FrameEncoder(false),
                new ChannelOutboundHandlerAdapter() {
                    @Override
                    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
                        passed.add(message);
                    }
                },
                // Stands for Vert.x's handler.
                new ChannelInboundHandlerAdapter());
        WebSocketChannel handler = WebSocketChannel.install(upgraded, slots(), inbound(upgraded));
        ChannelFuture written = handler.context().writeAndFlush(Unpooled.EMPTY_BUFFER);
        assertThat(passed).isEmpty();
        assertThat(written.isSuccess()).isTrue();
    }

    @Test
    void validFramesArePassedOn() {
        say(TEXT);
        TextWebSocketFrame frame = channel.readInbound();
        assertThat(frame.text()).isEqualTo("x");
        frame.release();
    }

    /** Returns a megabyte that fails if it is read byte by byte. */
    private static ByteBuf notReadByteByByte() {
        int megabyte = 1 << 20;
        ByteBuf bytes = new UnpooledHeapByteBuf(UnpooledByteBufAllocator.DEFAULT, megabyte, megabyte) {
            @Override
            public byte readByte() {
                throw new AssertionError("read byte by byte");
            }
        };
        return bytes.writerIndex(megabyte);
    }

    private ByteBuf say(byte[]... bytes) {
        ByteBuf said = Unpooled.wrappedBuffer(bytes);
        channel.writeInbound(said);
        return said;
    }
}
