package dev.sluice.bench.load;

import dev.sluice.bench.load.Publication.Payload;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.load.Receiver.Deliveries;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandler;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Decides when units are published. To be used on the event loop. */
interface Drive {

    void start();

    /** Stops publishing. */
    void stop();

    /**
     * Publishes whenever enough earlier units have been delivered: as fast as the server can, without a growing queue, which
     * would dominate the latencies.
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
         * @param window the maximum number of units under way
         * @param refill the minimum number of units published at once: each refill costs a write, and a read of Redis
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
     * Publishes at a constant rate, independently of the deliveries; above 1,000 units a second, a burst each millisecond,
     * because each write costs Redis a read. A late publication counts as published when it was due, so that the latencies
     * include every stall.
     */
    static final class Pace implements Drive {

        private static final int BURSTS_PER_SECOND = 1_000;

        private final EventLoop loop;
        private final WorkloadPublisher publisher;
        private final int burst;
        private final long interval;
        private long next;
        private boolean running;

        Pace(EventLoop loop, WorkloadPublisher publisher, int unitsPerSecond) {
            this.loop = loop;
            this.publisher = publisher;
            this.burst = Math.max(1, unitsPerSecond / BURSTS_PER_SECOND);
            this.interval = TimeUnit.SECONDS.toNanos(burst) / unitsPerSecond;
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
            publisher.publish(burst, next);
            next += interval;
            loop.schedule(this::publishDue, Math.max(0, next - Payload.now()), TimeUnit.NANOSECONDS);
        }
    }

    /** Publishes on its connections in turn without waiting for answers, and counts them. To be used on the event loop. */
    final class WorkloadPublisher {

        private final Workload workload;
        private final byte[] acknowledgement;
        private final List<Channel> channels = new ArrayList<>();
        private long units;
        private long acknowledged;

        WorkloadPublisher(PublishProtocol protocol, Workload workload) {
            this.workload = workload;
            this.acknowledgement = protocol.acknowledgement().getBytes(StandardCharsets.US_ASCII);
        }

        /** Returns the handler of one more connection. */
        ChannelInboundHandler connection() {
            return new Connection();
        }

        /** @param nanos the time of publication that the payloads state */
        void publish(long howMany, long nanos) {
            int used = (int) Math.min(howMany, channels.size());
            ByteBuf[] out = new ByteBuf[used];
            for (int i = 0; i < used; i++) {
                out[i] = channels.get(i).alloc().buffer();
            }
            for (long i = 0; i < howMany; i++) {
                workload.write(out[(int) (i % used)], units++, nanos);
            }
            for (int i = 0; i < used; i++) {
                channels.get(i).writeAndFlush(out[i], channels.get(i).voidPromise());
            }
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

        private final class Connection extends ChannelInboundHandlerAdapter {

            /** The number of bytes of the acknowledgement's pattern that the last read bytes matched. */
            private int matched;

            @Override
            public void channelActive(ChannelHandlerContext context) {
                channels.add(context.channel());
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
}
