package dev.sluice.bench.load;

import io.netty.channel.EventLoop;
import java.util.concurrent.TimeUnit;

/**
 * Publishes evenly, however long anything takes. What is late counts as published when it should have been, so that a
 * stall is seen in everything it delays.
 */
final class Pace implements Drive {

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
