package dev.sluice.bench.load;

/**
 * Publishes whenever enough of what was published has arrived: as fast as the server can, without building up a queue
 * that would only measure itself.
 */
final class ClosedLoop implements Drive {

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
