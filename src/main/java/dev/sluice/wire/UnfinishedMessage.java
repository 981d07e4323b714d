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
        check(fragment, length, maxMessage);
        charged += InboundBudget.cost(bytes);
    }

    /**
     * Checks the length of a message.
     *
     * @param last the frame that arrived last
     * @throws CorruptedWebSocketFrameException where the message is too long; the frame is released
     */
    static void check(WebSocketFrame last, long length, long maxMessage) {
        if (length > maxMessage) {
            last.release();
            throw new CorruptedWebSocketFrameException(
                    WebSocketCloseStatus.MESSAGE_TOO_BIG, "a message is too long", null);
        }
    }
}
