package dev.sluice.delivery;

import dev.sluice.outbox.PublicationBatch;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Counts what an event loop delivers, so that the meters, which cost more, are used once for successive deliveries of a
 * route. Confined to the loop.
 */
final class DeliveryCounts implements ObjIntConsumer<PublicationBatch> {

    private @Nullable RouteMeters meters;
    private long deliveries;
    private long bytes;

    /** The deliveries that follow are of this route. */
    void turnTo(RouteMeters route) {
        if (route != meters) {
            report();
            meters = route;
        }
    }

    /** Counts the copies of each publication of the batch. */
    @Override
    public void accept(PublicationBatch batch, int receivers) {
        deliveries += (long) receivers * batch.count();
        bytes += receivers * batch.payloadBytes();
    }

    /** Adds the counts to the meters. */
    void report() {
        if (meters != null && deliveries > 0) {
            meters.delivered(deliveries, bytes);
            deliveries = 0;
            bytes = 0;
        }
    }
}
