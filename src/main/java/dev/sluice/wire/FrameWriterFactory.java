package dev.sluice.wire;

import dev.sluice.config.OutboxConfig;
import dev.sluice.config.SluiceConfig;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.route.Channel;
import io.vertx.core.http.ServerWebSocket;
import jakarta.inject.Singleton;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Chooses the wire of a socket. */
@Singleton
public final class FrameWriterFactory {

    private final boolean direct;
    private final Map<Shared, FrameEncoder> encoders = new ConcurrentHashMap<>();

    /** Connections that share an encoder; a format has one framing. */
    private record Shared(Loop loop, PublicationFormat format) {}

    FrameWriterFactory(SluiceConfig config) {
        // Frames that are encoded once for all connections are not compressed.
        this.direct = config.outbox().wire() == OutboxConfig.Path.DIRECT
                && !config.compression().enabled();
    }

    /**
     * Returns a wire to a stream of the loop; there is only the direct one.
     *
     * @param heard the channels that the client hears
     */
    public FrameWriter open(
            EventStreamChannel channel, Loop loop, PublicationFormat format, Collection<Channel> heard) {
        FrameWriter writer = new DirectFrameWriter(
                (code, reason) -> channel.end(), channel.context(), encoder(loop, format, Framing.CHUNK));
        return heard.stream().anyMatch(one -> one.route().source().readsStreams())
                ? new EventIdWriter(writer, format, new EventIds(heard))
                : writer;
    }

    private FrameEncoder encoder(Loop loop, PublicationFormat format, Framing framing) {
        return encoders.computeIfAbsent(new Shared(loop, format), x -> new FrameEncoder(format, framing));
    }

    /** Returns a wire to a WebSocket of the loop. */
    public FrameWriter open(ServerWebSocket socket, WebSocketChannel channel, Loop loop, PublicationFormat format) {
        channel.becomes(socket);
        FrameWriter writer = direct
                ? new DirectFrameWriter(channel, channel.context(), encoder(loop, format, Framing.WEB_SOCKET))
                : new StandardFrameWriter(socket, channel, format);
        return format.joins() ? new JoiningFrameWriter(writer) : writer;
    }
}
