package dev.sluice.bench.load;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;

/** A client that stops reading as soon as it has entered, until it is woken. To be used on the event loop. */
final class Sleeper extends ChannelInboundHandlerAdapter {

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
