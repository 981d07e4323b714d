package dev.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/**
 * Counts the bytes that the frame decoder keeps until a frame is complete; stands in front of the decoder. Confined to the
 * connection's event loop.
 */
final class PartialFrameCounter extends ChannelInboundHandlerAdapter {

    private final Inbound inbound;

    PartialFrameCounter(Inbound inbound) {
        this.inbound = inbound;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        int bytes = message instanceof ByteBuf buffer ? buffer.readableBytes() : 0;
        inbound.decoding();
        context.fireChannelRead(message);
        inbound.decoded(bytes);
    }
}
