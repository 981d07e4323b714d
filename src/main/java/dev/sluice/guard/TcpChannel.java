package dev.sluice.guard;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.core.net.impl.VertxHandler;
import org.jspecify.annotations.Nullable;

/** The TCP connection behind a request, a Vert.x internal: nothing public leads to it. */
public final class TcpChannel {

    private TcpChannel() {}

    /** The channel of the request's connection, where there is one. */
    public static @Nullable Channel of(HttpServerRequest request) {
        return request.connection() instanceof ConnectionBase connection ? connection.channel() : null;
    }

    /** Vert.x's connection behind a pipeline that it has configured for HTTP, or its last handler where there is none. */
    static Object connection(ChannelPipeline pipeline) {
        ChannelHandler last = pipeline.last();
        return last instanceof VertxHandler<?> handler ? handler.getConnection() : last;
    }

    /** Closes the channel at once, past TLS, whose close_notify would wait for a peer that does not read. */
    // The channel is closed, whatever comes of the promise.
    @SuppressWarnings("FutureReturnValueIgnored")
    public static void cut(Channel channel) {
        ChannelHandlerContext first = channel.pipeline().firstContext();
        if (first != null) {
            first.close();
        }
    }
}
