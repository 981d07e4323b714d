package dev.sluice.wire;

import dev.sluice.guard.TcpChannel;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.PublicationFormat;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ssl.SslHandler;
import org.jspecify.annotations.Nullable;

/**
 * Writes encoded frames directly to the connection's Netty channel, past the encoders of Netty and Vert.x. Only the
 * last write before a flush has a promise: when it is done, all earlier ones are.
 */
// The promise of the last write covers the earlier ones.
@SuppressWarnings("FutureReturnValueIgnored")
final class DirectFrameWriter implements FrameWriter {

    /** Ends a connection after all earlier writes. */
    @FunctionalInterface
    interface Closing {
        void end(int code, String reason);
    }

    /** Not a lambda: only C2 creates those with values cheaply. */
    private record Flushed(Done done) implements ChannelFutureListener {

        @Override
        public void operationComplete(ChannelFuture written) {
            done.done(written.cause());
        }
    }

    private final Closing closing;
    private final ChannelHandlerContext channel;
    private final FrameEncoder encoder;

    /** Whether connections share bytes; TLS encrypts a copy for each connection. */
    private final boolean shares;

    private @Nullable ByteBuf last;

    /** Present only after a flush has taken long. */
    private @Nullable WriteProgress progress;

    /**
     * A wire to an open connection.
     *
     * @param channel where in the Netty channel's pipeline writes begin
     * @param encoder of the connection's event loop, in the connection's format
     */
    DirectFrameWriter(Closing closing, ChannelHandlerContext channel, FrameEncoder encoder) {
        this.closing = closing;
        this.channel = channel;
        this.encoder = encoder;
        this.shares = channel.pipeline().get(SslHandler.class) == null;
    }

    @Override
    public boolean sharesBytes() {
        return shares;
    }

    @Override
    public @Nullable PublicationFormat headers() {
        return encoder.headers();
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
        // Encodes first, which may fail, because a written frame must not be written again.
        ByteBuf bytes = encoder.encode(frame, upToDate, channel.alloc());
        if (last != null) {
            channel.write(last, channel.voidPromise());
        }
        last = bytes;
    }

    @Override
    public void flush(Done done) {
        ByteBuf bytes = last;
        last = null;
        if (bytes == null) {
            done.done(null);
        } else {
            channel.writeAndFlush(bytes).addListener(new Flushed(done));
        }
    }

    @Override
    public long lastTaken(long since, long now) {
        if (progress == null) {
            progress = new WriteProgress(channel.channel());
        }
        return progress.lastTaken(since, now);
    }

    @Override
    public void close(int code, String reason) {
        closing.end(code, reason);
    }

    @Override
    public void cut() {
        TcpChannel.cut(channel.channel());
    }
}
