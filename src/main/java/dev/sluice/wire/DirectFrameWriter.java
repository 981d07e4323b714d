package dev.sluice.wire;

import dev.sluice.guard.TcpChannel;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.PublicationFormat;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandler;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.DefaultChannelPromise;
import io.netty.handler.ssl.SslHandler;
import org.jspecify.annotations.Nullable;

/**
 * Writes encoded frames directly to the connection's Netty channel, past the encoders of Netty and Vert.x, and past the
 * pipeline where no handler would change them, as that of TLS does. Only the last write before a flush has a promise:
 * when it is done, all earlier ones are.
 */
// The promise of the last write covers the earlier ones.
@SuppressWarnings("FutureReturnValueIgnored")
final class DirectFrameWriter implements FrameWriter {

    /** Ends a connection after all earlier writes. */
    @FunctionalInterface
    interface Closing {
        void end(int code, String reason);
    }

    /**
     * Tells of the end of a flush; a listener of Netty's own promise would take several locks. Confined to the event loop.
     * Nobody else gets it, so that it can't be cancelled.
     */
    private static final class Flushed extends DefaultChannelPromise {

        private final Done done;
        private boolean ended;

        Flushed(Channel channel, Done done) {
            super(channel);
            this.done = done;
        }

        @Override
        public boolean setUncancellable() {
            return true;
        }

        @Override
        public boolean isDone() {
            return ended;
        }

        @Override
        public boolean trySuccess(Void nothing) {
            return end(null);
        }

        @Override
        public boolean tryFailure(Throwable cause) {
            return end(cause);
        }

        private boolean end(@Nullable Throwable cause) {
            if (ended) {
                return false;
            }
            ended = true;
            done.done(cause);
            return true;
        }
    }

    private final Closing closing;
    private final ChannelHandlerContext channel;

    /** What the pipeline would call, after a dozen calls of its own; {@code null} if writes pass a handler. */
    private final Channel.@Nullable Unsafe socket;

    private final ByteBufAllocator allocator;
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
        this.channel = nearest(channel);
        boolean first = this.channel.equals(channel.pipeline().firstContext());
        this.socket = first ? channel.channel().unsafe() : null;
        this.allocator = channel.alloc();
        this.encoder = encoder;
        this.shares = channel.pipeline().get(SslHandler.class) == null;
    }

    /**
     * Returns the first context of the pipeline from which writes pass the same handlers. Netty would look at each context
     * between for every write.
     */
    private static ChannelHandlerContext nearest(ChannelHandlerContext context) {
        ChannelPipeline pipeline = context.pipeline();
        ChannelHandlerContext first = null;
        for (String name : pipeline.names()) {
            ChannelHandlerContext next = pipeline.context(name);
            if (first == null) {
                first = next;
            }
            if (name.equals(context.name())) {
                return first;
            }
            if (next.handler() instanceof ChannelOutboundHandler) {
                first = null;
            }
        }
        return context;
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
        // Encodes first, which may fail, and forgets what it writes next, because a frame must not be written twice.
        ByteBuf bytes = encoder.encode(frame, upToDate, allocator);
        ByteBuf former = last;
        last = bytes;
        if (former == null) {
            return;
        }
        if (socket == null) {
            channel.write(former, channel.voidPromise());
        } else {
            socket.write(former, channel.voidPromise());
        }
    }

    @Override
    public void flush(Done done) {
        ByteBuf bytes = last;
        last = null;
        if (bytes == null) {
            done.done(null);
        } else if (socket == null) {
            channel.writeAndFlush(bytes, new Flushed(channel.channel(), done));
        } else {
            socket.write(bytes, new Flushed(channel.channel(), done));
            socket.flush();
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
