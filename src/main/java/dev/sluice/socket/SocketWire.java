package dev.sluice.socket;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Wire;
import io.quarkus.websockets.next.CloseReason;
import io.quarkus.websockets.next.WebSocketConnection;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import org.jboss.logging.Logger;

/** Writes through the public interface of WebSockets Next. */
final class SocketWire implements Wire {

    private static final Logger LOG = Logger.getLogger(SocketWire.class);

    private final WebSocketConnection socket;

    SocketWire(WebSocketConnection socket) {
        this.socket = socket;
    }

    @Override
    public void write(Frame frame, Done done) {
        send(frame).subscribe().with(x -> done.done(null), done::done);
    }

    @Override
    public void close(int code, String reason) {
        if (!socket.isClosed()) {
            socket.close(new CloseReason(code, reason))
                    .subscribe()
                    .with(x -> {}, failure -> LOG.debugf(failure, "Closing %s failed", socket.id()));
        }
    }

    private Uni<Void> send(Frame frame) {
        if (frame instanceof Frame.Text text) {
            return socket.sendText(text.text());
        }
        if (frame instanceof Frame.Binary binary) {
            return socket.sendBinary(binary.bytes());
        }
        return socket.sendPing(Buffer.buffer());
    }
}
