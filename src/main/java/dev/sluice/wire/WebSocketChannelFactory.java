package dev.sluice.wire;

import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.TcpChannel;
import dev.sluice.guard.TurnSchedulers;
import io.netty.channel.Channel;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/**
 * Installs Sluice's handlers in the Netty channel of a request's connection. To be used on the connection's event loop.
 */
@Singleton
public final class WebSocketChannelFactory {

    private final ConnectionSlots slots;
    private final FrameRate rate;
    private final InboundBudget budget;
    private final TurnSchedulers schedulers;

    WebSocketChannelFactory(ConnectionSlots slots, FrameRate rate, InboundBudget budget, TurnSchedulers schedulers) {
        this.slots = slots;
        this.rate = rate;
        this.budget = budget;
        this.schedulers = schedulers;
    }

    /**
     * Installs the handlers, unless an earlier request of the connection has done so. Returns {@code null} if the
     * connection can't become a WebSocket.
     */
    public @Nullable WebSocketChannel install(HttpServerRequest request) {
        Channel channel = TcpChannel.of(request);
        if (request.version() != HttpVersion.HTTP_1_1 || channel == null) {
            return null;
        }
        WebSocketChannel known = WebSocketChannel.installedIn(channel);
        if (known != null) {
            return known;
        }
        Inbound inbound = new Inbound(channel, rate, budget, schedulers.of(channel.eventLoop()));
        return WebSocketChannel.install(channel, slots, inbound);
    }
}
