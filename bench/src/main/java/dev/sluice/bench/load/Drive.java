package dev.sluice.bench.load;

import io.netty.channel.EventLoop;
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

        private final Publisher publisher;
        private final Deliveries deliveries;
        private final int window;
        /** Refilling one by one would cost a write, and Redis a read, for each. */
        private final int batch;

        private boolean running;

        /** @param window how many units may be on their way */
        ClosedLoop(Publisher publisher, Deliveries deliveries, int window) {
            this.publisher = publisher;
            this.deliveries = deliveries;
            this.window = window;
            this.batch = Math.max(1, window / 8);
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
            long arrived = deliveries.count() / publisher.traffic().deliveriesPerUnit();
            long room = window - (publisher.units() - arrived);
            if (running && room >= batch) {
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
        private final Publisher publisher;
        private final long interval;
        private long next;
        private boolean running;

        Pace(EventLoop loop, Publisher publisher, int unitsPerSecond) {
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
}
