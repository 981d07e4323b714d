package dev.sluice.bench.load;

import dev.sluice.bench.load.Entrance.ClientFrames;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;

/** A client that reads whatever comes, at once. */
final class Receiver extends ChannelInboundHandlerAdapter {

    private final Deliveries deliveries;
    private final FrameCounter frames;

    Receiver(Deliveries deliveries) {
        this.deliveries = deliveries;
        this.frames = new FrameCounter(deliveries);
    }

    long messages() {
        return frames.messages();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        frames.read(in, Payload.now());
        in.release();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        for (int pings = frames.takePings(); pings > 0; pings--) {
            context.writeAndFlush(ClientFrames.pong());
        }
        deliveries.readComplete();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        deliveries.receiverLost();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }

    /** A client that stops reading as soon as it has entered, until it is woken. To be used on the event loop. */
    static final class Sleeper extends ChannelInboundHandlerAdapter {

        private Channel channel;
        private boolean closed;

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            channel = context.channel();
            channel.config().setAutoRead(false);
        }

        /** Lets it read again, and so see whether the server has closed the connection meanwhile. */
        void wake() {
            channel.config().setAutoRead(true);
        }

        boolean isClosed() {
            return closed;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            closed = true;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
