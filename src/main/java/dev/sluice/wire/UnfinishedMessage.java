package dev.sluice.wire;

import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;

/** What has arrived of a message in fragments, in bytes. Confined to the connection's event loop. */
final class UnfinishedMessage {

    private final long maxMessage;
    private long length;
    private int charged;

    /** One of which nothing has arrived, and which may have that many bytes. */
    UnfinishedMessage(long maxMessage) {
        this.maxMessage = maxMessage;
    }

    /** What its fragments are charged, in bytes. */
    int charged() {
        return charged;
    }

    /**
     * A fragment has arrived.
     *
     * @throws CorruptedWebSocketFrameException where that makes the message too long; the frame is released
     */
    void add(WebSocketFrame fragment) {
        int bytes = fragment.content().readableBytes();
        length += bytes;
        // The decoder refuses a single frame that is too long.
        if (length > maxMessage && length > bytes) {
            fragment.release();
            throw new CorruptedWebSocketFrameException(
                    WebSocketCloseStatus.MESSAGE_TOO_BIG, "the fragments of a message are too long together", null);
        }
        charged += InboundBudget.cost(bytes);
    }
}
