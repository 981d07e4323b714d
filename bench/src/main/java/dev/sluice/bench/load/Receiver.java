package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

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
}
