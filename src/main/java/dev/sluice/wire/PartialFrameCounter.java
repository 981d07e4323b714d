package dev.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/**
 * Counts the bytes that the frame decoder keeps until a frame is complete; comes before the decoder in the pipeline. All
 * connections share this handler, as {@link Inbound} has the state.
 */
@Sharable
final class PartialFrameCounter extends ChannelInboundHandlerAdapter {

    static final PartialFrameCounter SHARED = new PartialFrameCounter();

    private PartialFrameCounter() {}

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        int bytes = message instanceof ByteBuf buffer ? buffer.readableBytes() : 0;
        Inbound inbound = Inbound.of(context.channel());
        inbound.decoding();
        context.fireChannelRead(message);
        inbound.decoded(bytes);
    }
}
