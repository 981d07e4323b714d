package dev.sluice.wire;

import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * The frames of one connection that wait to be passed on, in order, each charged to the connection's share, and the close
 * frame behind them. Confined to the connection's event loop.
 */
final class WaitingFrames {

    private final InboundBudget.Share share;

    /** There only while something waits. */
    private @Nullable Queue<WebSocketFrame> queue;

    private @Nullable CloseWebSocketFrame close;
    private int messages;

    WaitingFrames(InboundBudget.Share share) {
        this.share = share;
    }

    /** Adds a frame of a message, which is this object's to release. */
    void add(WebSocketFrame frame) {
        share.charge(cost(frame));
        if (queue == null) {
            queue = new ArrayDeque<>(2);
        }
        queue.add(frame);
        if (frame.isFinalFragment()) {
            messages++;
        }
    }

    /** Adds the client's close frame; only the first one counts. */
    void addClose(CloseWebSocketFrame frame) {
        if (close == null) {
            close = frame;
        } else {
            frame.release();
        }
    }

    /** Takes the next frame of a message, which stays charged, or {@code null} where none waits. */
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

    /** Takes the close frame, or {@code null} where there is none. */
    @Nullable
    CloseWebSocketFrame pollClose() {
        CloseWebSocketFrame taken = close;
        close = null;
        return taken;
    }

    /** Whether no frame of a message waits. */
    boolean isEmpty() {
        return queue == null;
    }

    boolean hasClose() {
        return close != null;
    }

    /** How many messages wait as a whole. */
    int messages() {
        return messages;
    }

    /** Drops the frames of messages, which are no longer charged. */
    void clear() {
        for (WebSocketFrame frame = poll(); frame != null; frame = poll()) {
            share.charge(-cost(frame));
            frame.release();
        }
    }

    /** Bytes that a frame is charged. */
    static int cost(WebSocketFrame frame) {
        return InboundBudget.cost(frame.content().readableBytes());
    }
}
