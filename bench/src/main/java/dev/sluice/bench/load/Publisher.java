package dev.sluice.bench.load;

import dev.sluice.bench.load.Publication.PublishProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.charset.StandardCharsets;

/** Publishes over one connection without waiting for the answers, and counts them. To be used on the event loop. */
final class Publisher extends ChannelInboundHandlerAdapter {

    private final Traffic traffic;
    private final byte[] acknowledgement;
    private Channel channel;
    private long units;
    private long acknowledged;
    /** Bytes of the acknowledgement's pattern that the last bytes read were. */
    private int matched;

    Publisher(PublishProtocol protocol, Traffic traffic) {
        this.traffic = traffic;
        this.acknowledgement = protocol.acknowledgement().getBytes(StandardCharsets.US_ASCII);
    }

    /** @param nanos when they count as published */
    void publish(long howMany, long nanos) {
        ByteBuf out = channel.alloc().buffer();
        for (long i = 0; i < howMany; i++) {
            traffic.write(out, units++, nanos);
        }
        channel.writeAndFlush(out, channel.voidPromise());
    }

    Traffic traffic() {
        return traffic;
    }

    /** Units published. */
    long units() {
        return units;
    }

    /** Publications made. */
    long publications() {
        return units * traffic.publicationsPerUnit();
    }

    /** Publications acknowledged. */
    long acknowledged() {
        return acknowledged;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        channel = context.channel();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        while (in.isReadable()) {
            look(in.readByte());
        }
        in.release();
    }

    private void look(byte next) {
        if (next == acknowledgement[matched]) {
            matched++;
        } else {
            matched = next == acknowledgement[0] ? 1 : 0;
        }
        if (matched == acknowledgement.length) {
            acknowledged++;
            matched = 0;
        }
    }
}
