package dev.sluice.guard;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.haproxy.HAProxyMessageDecoder;
import io.netty.handler.codec.http.HttpRequestDecoder;
import java.util.Map;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Waits for the first bytes of HTTP on a TCP connection, if necessary behind the PROXY protocol decoder and the TLS
 * handler. Before those bytes are decoded, it replaces the decoder with a {@link BoundedRequestDecoder} and adds a
 * {@link RequestGuard} behind it.
 */
final class HttpDetector extends ChannelInboundHandlerAdapter {

    /** Vert.x's name for the TLS handler. */
    private static final String TLS = "ssl";

    private final RequestLimiter limits;

    /** Closes the connection if no request arrives in time. */
    private @Nullable Future<?> deadline;

    HttpDetector(RequestLimiter limits) {
        this(limits, null);
    }

    private HttpDetector(RequestLimiter limits, @Nullable Future<?> running) {
        this.limits = limits;
        this.deadline = running;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        if (deadline == null) {
            deadline = limits.deadline(context.channel());
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof ByteBuf) {
            ChannelPipeline pipeline = context.pipeline();
            String outer = outerProtocol(pipeline);
            if (outer != null) {
                pipeline.addAfter(outer, null, new HttpDetector(limits, deadline));
                pipeline.remove(this);
            } else if (pipeline.get(HttpRequestDecoder.class) != null) {
                handOver(pipeline);
            }
        }
        context.fireChannelRead(message);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (deadline != null) {
            deadline.cancel(false);
        }
        context.fireChannelInactive();
    }

    private void handOver(ChannelPipeline pipeline) {
        limits.boundHeaders(pipeline);
        limits.allowCompression(pipeline);
        // Vert.x's own handler must stay last.
        RequestGuard guard = new RequestGuard(limits, deadline, TcpChannel.connection(pipeline));
        pipeline.addBefore(pipeline.lastContext().name(), null, guard);
        pipeline.remove(this);
    }

    /**
     * Returns the name of the next handler for TLS or the PROXY protocol; {@code null} if the bytes read here are HTTP.
     */
    private @Nullable String outerProtocol(ChannelPipeline pipeline) {
        boolean behind = false;
        for (Map.Entry<String, ChannelHandler> handler : pipeline) {
            if (handler.getValue() == this) {
                behind = true;
            } else if (behind
                    && (handler.getKey().equals(TLS) || handler.getValue() instanceof HAProxyMessageDecoder)) {
                return handler.getKey();
            }
        }
        return null;
    }
}
