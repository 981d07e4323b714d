package dev.sluice.bench.load;

import dev.sluice.bench.load.Entrance.Session.Format;
import dev.sluice.bench.load.Publication.Payload;
import dev.sluice.harness.RawClient;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** A client that reads everything at once. */
final class Receiver extends ChannelInboundHandlerAdapter {

    private static final int READ_BUFFER = 32 * 1024;

    private final Deliveries deliveries;
    private final Counter counter;

    /** Counts publications in the bytes of one connection. To be used by one thread. */
    interface Counter {

        /** @param now the time at which these bytes were received */
        void read(ByteBuf in, long now);

        /** Deliveries on this connection so far. */
        long messages();

        /** The pings since the last call. */
        int takePings();

        /** The answer to a ping. */
        ByteBuf pong();
    }

    Receiver(Deliveries deliveries, Format format) {
        this.deliveries = deliveries;
        this.counter = switch (format) {
            case FRAMES -> new FrameCounter(deliveries);
            case PACKETS -> FrameCounter.ofSocketIo(deliveries);
            case REPLIES -> new PayloadFinder(deliveries, false);
            case EVENTS -> new PayloadFinder(deliveries, true);
        };
    }

    /** A bootstrap for clients that read everything. */
    static Bootstrap bootstrap(ClientLoop loop) {
        return loop.bootstrap().option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(READ_BUFFER));
    }

    long messages() {
        return counter.messages();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        counter.read(in, Payload.now());
        in.release();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        for (int pings = counter.takePings(); pings > 0; pings--) {
            context.writeAndFlush(counter.pong());
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

    /** A client that reads nothing until {@link #readAgain}. To be used on the event loop. */
    static final class Sleeper extends ChannelInboundHandlerAdapter {

        private Channel channel;
        private boolean closed;

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            channel = context.channel();
            channel.config().setAutoRead(false);
        }

        /** Makes it read again, so that it notices whether the server closed the connection. */
        void readAgain() {
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

    /** A text frame of a client. */
    static ByteBuf text(String text) {
        return frame(RawClient.FINAL | RawClient.TEXT, text);
    }

    /** A frame of a client with this first byte. */
    static ByteBuf frame(int first, String payload) {
        return Unpooled.wrappedBuffer(RawClient.encoded(first, payload.getBytes(StandardCharsets.UTF_8), 1));
    }

    /** The number of deliveries to all receivers, and their latencies. To be used on the event loop. */
    static final class Deliveries {

        private static final long LONGEST = TimeUnit.MINUTES.toNanos(2);

        private final Histogram latencies = new Histogram(LONGEST, 3);
        private long count;
        private int lostReceivers;
        private Runnable afterRead = () -> {};

        /**
         * @param published in microseconds, as the payload states it
         * @param now in nanoseconds
         */
        void received(long published, long now) {
            count++;
            long latency = now - TimeUnit.MICROSECONDS.toNanos(published);
            latencies.recordValue(Math.max(0, Math.min(LONGEST, latency)));
        }

        void receiverLost() {
            lostReceivers++;
        }

        /** To be called after each read of a connection. */
        void readComplete() {
            afterRead.run();
        }

        void afterRead(Runnable action) {
            afterRead = action;
        }

        long count() {
            return count;
        }

        int lostReceivers() {
            return lostReceivers;
        }

        /** The latencies since the last call, in nanoseconds. */
        Histogram takeLatencies() {
            Histogram taken = latencies.copy();
            latencies.reset();
            return taken;
        }
    }
}
