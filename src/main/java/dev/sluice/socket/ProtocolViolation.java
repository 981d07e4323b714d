package dev.sluice.socket;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;
import java.util.concurrent.TimeUnit;

/**
 * Tells a client that broke the WebSocket protocol, or sent too large a frame, why it is closed: Vert.x alone would cut
 * the TCP connection without a close frame. The connection is then closed in two steps, first our half, and all of it
 * once the peer has closed its own or after a moment: closing at once with input unread makes the kernel send a reset,
 * which overtakes the close frame.
 */
// What is not awaited here ends with the channel at the latest.
@SuppressWarnings("FutureReturnValueIgnored")
final class ProtocolViolation extends ChannelDuplexHandler {

    private static final int MAX_LINGER_SECONDS = 1;

    private boolean violated;

    private ProtocolViolation() {}

    /**
     * Watches a connection that is about to become a WebSocket. To be called on its event loop; without effect where its
     * channel can't be had.
     */
    static void watch(HttpConnection connection) {
        // A Vert.x internal; nothing public leads to the channel.
        if (connection instanceof ConnectionBase base) {
            ChannelPipeline pipeline = base.channel().pipeline();
            // Vert.x's own handler is the last; the frame decoder and encoder will come before it.
            pipeline.addBefore(pipeline.lastContext().name(), null, new ProtocolViolation());
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof CorruptedWebSocketFrameException corrupted && !violated) {
            violated = true;
            context.writeAndFlush(new CloseWebSocketFrame(corrupted.closeStatus()));
        }
        context.fireExceptionCaught(cause);
    }

    @Override
    public void close(ChannelHandlerContext context, ChannelPromise promise) {
        if (!violated
                || !(context.channel() instanceof DuplexChannel channel)
                || !channel.isActive()
                || channel.isOutputShutdown()) {
            context.close(promise);
            return;
        }
        channel.closeFuture().addListener(closed -> promise.trySuccess());
        channel.shutdownOutput()
                .addListener(shut ->
                        context.executor().schedule(() -> context.close(), MAX_LINGER_SECONDS, TimeUnit.SECONDS));
    }
}
