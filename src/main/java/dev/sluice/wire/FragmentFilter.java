package dev.sluice.wire;

import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import org.jspecify.annotations.Nullable;

/**
 * Keeps from Vert.x the messages in fragments that it would lose. It loses a message whose first fragment is empty, and
 * fails with every one after it; here the first fragment that has a payload begins the message. It also loses a message
 * whose fragments are too long together; here that message is an error. Confined to the connection's event loop.
 */
final class FragmentFilter {

    private enum Beginning {
        NONE,
        TEXT,
        BINARY
    }

    private final long maxMessage;
    private Beginning empty = Beginning.NONE;
    private boolean begun;
    private long length;
    private int charged;

    /** For one message, which may have that many bytes. */
    FragmentFilter(long maxMessage) {
        this.maxMessage = maxMessage;
    }

    /** Whether the last fragment of a message is still to come. */
    boolean begun() {
        return begun;
    }

    /** What the fragments are charged, in bytes; 0 where the message is finished. */
    int charged() {
        return charged;
    }

    /**
     * What is to be handed on of a frame that has come; {@code null} where nothing is. One that is not is released.
     *
     * @throws CorruptedWebSocketFrameException where the message is too long; the frame is released
     */
    @Nullable
    WebSocketFrame next(WebSocketFrame frame) {
        int bytes = frame.content().readableBytes();
        length += bytes;
        // The decoder refuses a single frame that is too long.
        if (length > maxMessage && length > bytes) {
            frame.release();
            throw new CorruptedWebSocketFrameException(
                    WebSocketCloseStatus.MESSAGE_TOO_BIG, "the fragments of a message are too long together", null);
        }
        charged += InboundBudget.cost(bytes);
        begun = !frame.isFinalFragment();
        if (!begun) {
            length = 0;
            charged = 0;
        }
        return withBeginning(frame);
    }

    private @Nullable WebSocketFrame withBeginning(WebSocketFrame frame) {
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
