package dev.sluice.guard;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import org.jspecify.annotations.Nullable;

/** The TCP connection behind a request, a Vert.x internal: nothing public leads to it. */
public final class TcpChannel {

    private TcpChannel() {}

    /** The channel of the request's connection, where there is one. */
    public static @Nullable Channel of(HttpServerRequest request) {
        return request.connection() instanceof ConnectionBase connection ? connection.channel() : null;
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
