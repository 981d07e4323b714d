package dev.sluice.guard;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.core.net.impl.VertxHandler;
import org.jspecify.annotations.Nullable;

/** Finds the Netty channel of a request. Uses Vert.x internals, because no public API gives access to it. */
public final class TcpChannel {

    private TcpChannel() {}

    /** Returns the channel of the request's connection; {@code null} if there is none. */
    public static @Nullable Channel of(HttpServerRequest request) {
        return request.connection() instanceof ConnectionBase connection ? connection.channel() : null;
    }

    /** Returns Vert.x's connection of an HTTP pipeline; the last handler if there is none. */
    static Object connection(ChannelPipeline pipeline) {
        ChannelHandler last = pipeline.last();
        return last instanceof VertxHandler<?> handler ? handler.getConnection() : last;
    }

    /**
     * Closes the channel immediately and without TLS's close_notify, which would wait for a peer that does not read.
     */
    // The channel closes regardless of the result.
    @SuppressWarnings("FutureReturnValueIgnored")
    public static void cut(Channel channel) {
        ChannelHandlerContext first = channel.pipeline().firstContext();
        if (first != null) {
            first.close();
        }
    }
}
