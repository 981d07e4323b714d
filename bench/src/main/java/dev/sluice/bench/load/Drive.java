package dev.sluice.bench.load;

import dev.sluice.bench.load.Publication.Payload;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.load.Receiver.Deliveries;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Decides when something is published. To be used on the event loop. */
interface Drive {

    void start();

    /** Nothing is published any more. */
    void stop();

    /**
     * Publishes whenever enough of what was published has arrived: as fast as the server can, without building up a queue
     * that would only measure itself.
     */
    static final class ClosedLoop implements Drive {

        private final WorkloadPublisher publisher;
        private final Deliveries deliveries;
        private final int window;
        private final int refill;

        private boolean running;

        /**
         * Creates a drive.
         *
         * @param window how many units may be on their way
         * @param refill how many units are published at once, at least: each refill costs a write, and Redis a read
         */
        ClosedLoop(WorkloadPublisher publisher, Deliveries deliveries, int window, int refill) {
            this.publisher = publisher;
            this.deliveries = deliveries;
            this.window = window;
            this.refill = refill;
        }

        @Override
        public void start() {
            running = true;
            deliveries.afterRead(this::refill);
            refill();
        }

        @Override
        public void stop() {
            running = false;
        }

        private void refill() {
            long arrived = deliveries.count() / publisher.workload().deliveriesPerUnit();
            long room = window - (publisher.units() - arrived);
            if (running && room >= refill) {
                publisher.publish(room, Payload.now());
            }
        }
    }

    /**
     * Publishes evenly, however long anything takes. What is late counts as published when it should have been, so that a
     * stall is seen in everything it delays.
     */
    static final class Pace implements Drive {

        private final EventLoop loop;
        private final WorkloadPublisher publisher;
        private final long interval;
        private long next;
        private boolean running;

        Pace(EventLoop loop, WorkloadPublisher publisher, int unitsPerSecond) {
            this.loop = loop;
            this.publisher = publisher;
            this.interval = TimeUnit.SECONDS.toNanos(1) / unitsPerSecond;
        }

        @Override
        public void start() {
            running = true;
            next = Payload.now();
            publishDue();
        }

        @Override
        public void stop() {
            running = false;
        }

        private void publishDue() {
            if (!running) {
                return;
            }
            publisher.publish(1, next);
            next += interval;
            loop.schedule(this::publishDue, Math.max(0, next - Payload.now()), TimeUnit.NANOSECONDS);
        }
    }

    /** Publishes over one connection without waiting for the answers, and counts them. To be used on the event loop. */
    final class WorkloadPublisher extends ChannelInboundHandlerAdapter {

        private final Workload workload;
        private final byte[] acknowledgement;
        private Channel channel;
        private long units;
        private long acknowledged;
        /** Bytes of the acknowledgement's pattern that the last bytes read were. */
        private int matched;

        WorkloadPublisher(PublishProtocol protocol, Workload workload) {
            this.workload = workload;
            this.acknowledgement = protocol.acknowledgement().getBytes(StandardCharsets.US_ASCII);
        }

        /** @param nanos when they count as published */
        void publish(long howMany, long nanos) {
            ByteBuf out = channel.alloc().buffer();
            for (long i = 0; i < howMany; i++) {
                workload.write(out, units++, nanos);
            }
            channel.writeAndFlush(out, channel.voidPromise());
        }

        Workload workload() {
            return workload;
        }

        /** Units published. */
        long units() {
            return units;
        }

        /** Publications made. */
        long publications() {
            return units * workload.publicationsPerUnit();
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
}
