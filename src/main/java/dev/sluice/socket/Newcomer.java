package dev.sluice.socket;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * The first handler of a TCP connection until it is known to speak HTTP/1.1, which with TLS is found out on the way: then
 * {@link RequestGuard} takes over, behind the decoder. HTTP/2, which is off unless somebody turns it on, is not looked at.
 */
final class Newcomer extends ChannelInboundHandlerAdapter {

    private final RequestLimits limits;
    private @Nullable Future<?> deadline;

    Newcomer(RequestLimits limits) {
        this.limits = limits;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        deadline = limits.deadline(context.channel());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ChannelPipeline pipeline = context.pipeline();
        if (speaksHttp(pipeline)) {
            handOver(pipeline, deadline);
            context.fireChannelRead(message);
            return;
        }
        context.fireChannelRead(message);
        if (speaksHttp(pipeline)) {
            // What came in one go with the end of the hand-shake may have been a whole request.
            stop();
            handOver(pipeline, null);
        } else if (pipeline.get(Http2ConnectionHandler.class) != null) {
            stop();
            pipeline.remove(this);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        stop();
        context.fireChannelInactive();
    }

    private void handOver(ChannelPipeline pipeline, @Nullable Future<?> running) {
        // Vert.x's own handler is the last.
        pipeline.addBefore(pipeline.lastContext().name(), null, new RequestGuard(limits, running));
        limits.boundDecompression(pipeline);
        pipeline.remove(this);
    }

    private void stop() {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    private static boolean speaksHttp(ChannelPipeline pipeline) {
        return pipeline.get(HttpRequestDecoder.class) != null;
    }
}
