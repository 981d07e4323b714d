package dev.sluice.wire;

import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;

/** The fragments of an unfinished message, in bytes. Confined to the connection's event loop. */
final class UnfinishedMessage {

    private final long maxMessage;
    private long length;
    private int charged;

    /** One of which nothing has arrived, and which may have that many bytes. */
    UnfinishedMessage(long maxMessage) {
        this.maxMessage = maxMessage;
    }

    /** The bytes charged for the fragments. */
    int charged() {
        return charged;
    }

    /**
     * Adds a fragment.
     *
     * @throws CorruptedWebSocketFrameException where that makes the message too long; the frame is released
     */
    void add(WebSocketFrame fragment) {
        int bytes = fragment.content().readableBytes();
        length += bytes;
        // The decoder refuses single frames that are too long.
        if (length > maxMessage && length > bytes) {
            fragment.release();
            throw new CorruptedWebSocketFrameException(
                    WebSocketCloseStatus.MESSAGE_TOO_BIG, "the fragments of a message are too long together", null);
        }
        charged += InboundBudget.cost(bytes);
    }
}
