package dev.sluice.wire;

import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.TcpChannel;
import dev.sluice.guard.TurnSchedulers;
import io.netty.channel.Channel;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/** Wraps the Netty channel of a request for an event stream. To be used on the connection's event loop. */
@Singleton
public final class EventStreamChannelFactory {

    private final ConnectionSlots slots;
    private final TurnSchedulers schedulers;

    EventStreamChannelFactory(ConnectionSlots slots, TurnSchedulers schedulers) {
        this.slots = slots;
        this.schedulers = schedulers;
    }

    /** Returns the stream's channel, or {@code null} if its version of HTTP has no chunks. */
    public @Nullable EventStreamChannel of(HttpServerRequest request) {
        Channel channel = TcpChannel.of(request);
        return request.version() == HttpVersion.HTTP_1_1 && channel != null
                ? new EventStreamChannel(channel, request.response(), slots, schedulers.of(channel.eventLoop()))
                : null;
    }
}
