package dev.sluice.wire;

import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * The frames of one connection that wait to be passed on, in order, and the close frame behind them. Connections
 * without waiting frames share {@link #NONE}. Confined to the connection's event loop.
 */
final class WaitingFrames {

    /** No waiting frames. Never modified. */
    static final WaitingFrames NONE = new WaitingFrames();

    private @Nullable Queue<WebSocketFrame> queue;
    private @Nullable CloseWebSocketFrame close;
    private int messages;

    private WaitingFrames() {}

    /** Returns these frames and another one of a message, which this object then releases. */
    WaitingFrames with(WebSocketFrame frame) {
        WaitingFrames those = writable();
        if (those.queue == null) {
            those.queue = new ArrayDeque<>(2);
        }
        those.queue.add(frame);
        if (frame.isFinalFragment()) {
            those.messages++;
        }
        return those;
    }

    /** Returns these frames and the client's close frame; only the first one counts. */
    WaitingFrames withClose(CloseWebSocketFrame frame) {
        WaitingFrames those = writable();
        if (those.close == null) {
            those.close = frame;
        } else {
            frame.release();
        }
        return those;
    }

    private WaitingFrames writable() {
        return this == NONE ? new WaitingFrames() : this;
    }

    /** Returns this, or {@link #NONE} if nothing is left. */
    WaitingFrames rest() {
        return queue == null && close == null ? NONE : this;
    }

    /** Removes and returns the next frame of a message, or {@code null}. */
    @Nullable
    WebSocketFrame poll() {
        if (queue == null) {
            return null;
        }
        WebSocketFrame frame = queue.remove();
        if (queue.isEmpty()) {
            queue = null;
        }
        if (frame.isFinalFragment()) {
            messages--;
        }
        return frame;
    }

    /** Removes and returns the close frame, or {@code null}. */
    @Nullable
    CloseWebSocketFrame pollClose() {
        CloseWebSocketFrame taken = close;
        if (taken != null) {
            close = null;
        }
        return taken;
    }

    /** Whether no frame of a message waits. */
    boolean isEmpty() {
        return queue == null;
    }

    boolean hasClose() {
        return close != null;
    }

    /** The number of complete waiting messages. */
    int messages() {
        return messages;
    }

    /** Drops the frames of messages; returns what they were charged, in bytes. */
    int clear() {
        int bytes = 0;
        for (WebSocketFrame frame = poll(); frame != null; frame = poll()) {
            bytes += cost(frame);
            frame.release();
        }
        return bytes;
    }

    /** The bytes charged for a frame. */
    static int cost(WebSocketFrame frame) {
        return InboundBudget.cost(frame.content().readableBytes());
    }
}
