package dev.sluice.socket;

import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import org.jspecify.annotations.Nullable;

/**
 * Makes the first fragment of a message one that says something. Vert.x would lose a message whose first fragment is empty,
 * and fail with every one after it. Confined to the connection's event loop.
 */
final class Fragments {

    private enum Beginning {
        NONE,
        TEXT,
        BINARY
    }

    private Beginning empty = Beginning.NONE;

    /** What is to be handed on of a frame that has come; {@code null} where nothing is. One that is not is released. */
    @Nullable
    WebSocketFrame next(WebSocketFrame frame) {
        boolean saysNothing = !frame.isFinalFragment() && !frame.content().isReadable();
        if (frame instanceof TextWebSocketFrame || frame instanceof BinaryWebSocketFrame) {
            if (!saysNothing) {
                return frame;
            }
            empty = frame instanceof TextWebSocketFrame ? Beginning.TEXT : Beginning.BINARY;
        } else if (!(frame instanceof ContinuationWebSocketFrame) || empty == Beginning.NONE) {
            return frame;
        } else if (!saysNothing) {
            boolean text = empty == Beginning.TEXT;
            empty = Beginning.NONE;
            return text
                    ? new TextWebSocketFrame(frame.isFinalFragment(), frame.rsv(), frame.content())
                    : new BinaryWebSocketFrame(frame.isFinalFragment(), frame.rsv(), frame.content());
        }
        frame.release();
        return null;
    }
}
