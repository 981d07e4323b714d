package dev.sluice.wire;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.outbox.ReplayBatch;
import dev.sluice.route.Channel;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import java.nio.charset.StandardCharsets;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Writes through Vert.x's public interface, which encodes, and compresses if negotiated, each message for each receiver and
 * sends it at once.
 */
// The future of the last write covers the earlier ones.
@SuppressWarnings("FutureReturnValueIgnored")
final class StandardFrameWriter implements FrameWriter {

    private static final Logger LOG = Logger.getLogger(StandardFrameWriter.class);

    private final ServerWebSocket socket;
    private final WebSocketChannel channel;
    private final PublicationFormat format;

    /** Present only after a flush has taken long. */
    private @Nullable WriteProgress progress;

    /** The last write, after which all before it are done. */
    private Future<Void> last = Future.succeededFuture();

    StandardFrameWriter(ServerWebSocket socket, WebSocketChannel channel, PublicationFormat format) {
        this.socket = socket;
        this.channel = channel;
        this.format = format;
    }

    @Override
    public @Nullable PublicationFormat headers() {
        return format.addsHeader() ? format : null;
    }

    @Override
    public void write(Frame frame) {
        write(frame, true);
    }

    @Override
    public void writeLate(Frame frame) {
        write(frame, false);
    }

    private void write(Frame frame, boolean upToDate) {
        if (frame instanceof PublicationBatch batch) {
            for (int i = 0; i < batch.count(); i++) {
                send(batch.channel(), batch.get(i), upToDate);
            }
        } else if (frame instanceof ReplayBatch batch) {
            for (int i = 0; i < batch.count(); i++) {
                send(batch.channel(i), batch.get(i), false);
            }
        } else if (frame instanceof Frame.Text text) {
            last = sendText(text.utf8());
        } else if (frame instanceof Frame.Missed missed) {
            last = sendText(format.missed(missed.channel(), missed.count()));
        } else if (frame instanceof Frame.Pong pong) {
            last = socket.writePong(Buffer.buffer(pong.bytes()));
        } else {
            last = socket.writePing(Buffer.buffer());
        }
    }

    @Override
    public boolean takesBatches() {
        return false;
    }

    @Override
    public void flush(Done done) {
        last.onComplete(written -> done.done(written.cause()));
    }

    @Override
    public long lastTaken(long since, long now) {
        if (progress == null) {
            progress = new WriteProgress(channel.context().channel());
        }
        return progress.lastTaken(since, now);
    }

    @Override
    public void close(int code, String reason) {
        close(socket, code, reason);
    }

    @Override
    public void cut() {
        channel.cut();
    }

    static void close(ServerWebSocket socket, int code, String reason) {
        if (!socket.isClosed()) {
            socket.close((short) code, reason).onFailure(failure -> LOG.debug("Closing a WebSocket failed", failure));
        }
    }

    private void send(Channel of, Payload payload, boolean upToDate) {
        byte[] message = format.encode(of, payload, upToDate);
        if (message == null) {
            return;
        }
        last = payload.text() ? sendText(message) : socket.writeBinaryMessage(Buffer.buffer(message));
    }

    private Future<Void> sendText(byte[] utf8) {
        return socket.writeTextMessage(new String(utf8, StandardCharsets.UTF_8));
    }
}
