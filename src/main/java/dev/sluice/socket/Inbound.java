package dev.sluice.socket;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import org.jspecify.annotations.Nullable;

/**
 * What comes in on one WebSocket: told of, and not passed on where it is more than its {@link FrameRate} allows. Confined
 * to the connection's event loop.
 */
final class Inbound {

    /** Frames above its rate after which a client is not on its way to answer our close. */
    private static final int DEAF = 256;

    private final Channel channel;
    private final FrameRate.Pace pace;
    private final Fragments fragments = new Fragments();
    private @Nullable Peer peer;
    private int excess;

    /** What is told of the other end, on the event loop. */
    interface Peer {
        /** It has sent a frame, whatever that says. */
        void heard();

        /** It has sent a WebSocket ping, which is to be answered. */
        void pinged(byte[] bytes);

        /** It has sent more frames than it may; nothing that it sends is passed on any more. */
        void flooded();

        /** It has reset the connection. */
        void reset();
    }

    Inbound(Channel channel, FrameRate.Pace pace) {
        this.channel = channel;
        this.pace = pace;
    }

    /** From now on tells of the other end. */
    void watch(Peer told) {
        peer = told;
        if (excess > 0) {
            told.flooded();
        }
    }

    /** The connection was reset. */
    void reset() {
        if (peer != null) {
            peer.reset();
        }
    }

    /** What is to be passed on of the frame, {@code null} where nothing is; what is not is released. */
    @Nullable
    WebSocketFrame next(WebSocketFrame frame) {
        return passes(frame) ? fragments.next(frame) : null;
    }

    /** Whether what it has sent may count as so many frames more; it is a flood where it may not. */
    boolean admits(int more) {
        boolean admitted = pace.admit(more);
        if (!admitted) {
            exceeded();
        }
        return admitted;
    }

    private boolean passes(WebSocketFrame frame) {
        if (!pace.admit() && !(frame instanceof CloseWebSocketFrame)) {
            frame.release();
            exceeded();
            return false;
        }
        if (peer != null) {
            peer.heard();
        }
        if (!(frame instanceof PingWebSocketFrame)) {
            return true;
        }
        // Vert.x would answer it past the outbox, and so without bound where the client does not read.
        byte[] bytes = ByteBufUtil.getBytes(frame.content());
        frame.release();
        if (peer != null) {
            peer.pinged(bytes);
        }
        return false;
    }

    private void exceeded() {
        excess++;
        if (excess == 1 && peer != null) {
            peer.flooded();
        } else if (excess == DEAF) {
            // Reading on only to drop it costs more than everything else; it ends without a hand-shake then.
            channel.config().setAutoRead(false);
        }
    }
}
