package dev.sluice.delivery;

import dev.sluice.clock.Position;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.registry.LoopListeners;
import dev.sluice.route.Channel;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The publications that one event loop has yet to deliver. The thread that reads Redis adds them, and hands the
 * publications of one read over as one batch, which the loop delivers in one task. Successive publications of one
 * channel form one {@link PublicationBatch}.
 */
final class Backlog {

    /** Frames that the loop writes before it yields to other tasks; this takes a few milliseconds. */
    private static final int MAX_WRITES = 4096;

    /** The bounds of a backlog, both in bytes. */
    record Bounds(long maxBytes, int maxBatchBytes) {}

    private record Delivery(LoopListeners listeners, PublicationBatch publications, RouteMeters meters) {}

    /** The publications of one read for this loop; charged in bytes of memory. */
    private static final class Batch {
        /** Not a {@link List}, because each delivery calls it, and calls by an interface cost more. */
        private final ArrayList<Delivery> deliveries = new ArrayList<>();

        private long bytes;
        private int delivered;
        private @Nullable Position end;

        /** Whether it stands for a barrier instead of publications. */
        private boolean isBarrier() {
            return deliveries.isEmpty();
        }

        private long last() {
            return deliveries.get(deliveries.size() - 1).publications.last().sequence();
        }
    }

    private final Loop loop;
    private final Bounds bounds;
    private final Runnable onDrained;
    private final Consumer<Lagged> onLagged;

    // Used by the reading thread.
    private Batch open = new Batch();

    // Used by the loop.
    private @Nullable Batch current;
    private long lost;
    private @Nullable Position reached;
    private final ArrayList<Delivery> unflushed = new ArrayList<>();
    private final DeliveryCounts counts = new DeliveryCounts();

    // Used by both, under the lock of this.
    private final Queue<Batch> queue = new ArrayDeque<>();
    private long bytes;
    private boolean scheduled;
    private boolean lagging;
    private long laggingSince;
    private long dropped;

    /**
     * Creates an empty backlog.
     *
     * @param onDrained run on the loop when the backlog has fallen to half of its bound
     * @param onLagged called on the loop, once it works again, with what was dropped
     */
    Backlog(Loop loop, Bounds bounds, Runnable onDrained, Consumer<Lagged> onLagged) {
        this.loop = loop;
        this.bounds = bounds;
        this.onDrained = onDrained;
        this.onLagged = onLagged;
    }

    /** Adds to the current batch; returns true if it was empty. To be called by the reading thread. */
    boolean add(LoopListeners listeners, Channel channel, Payload payload, RouteMeters meters) {
        ArrayList<Delivery> deliveries = open.deliveries;
        boolean first = deliveries.isEmpty();
        open.bytes += payload.bytes().length + Frame.OVERHEAD;
        if (!first) {
            Delivery last = deliveries.get(deliveries.size() - 1);
            if (last.listeners == listeners && last.publications.lengthWith(payload) <= bounds.maxBatchBytes) {
                last.publications.add(payload);
                return false;
            }
        }
        deliveries.add(new Delivery(listeners, new PublicationBatch(channel, payload), meters));
        return first;
    }

    /**
     * Hands the current batch to the loop. To be called by the reading thread.
     *
     * @param end up to where the batch has all publications for this loop; {@code null} where this pod can't name it
     */
    void handOver(@Nullable Position end) {
        Batch batch = open;
        batch.end = end;
        open = new Batch();
        synchronized (this) {
            if (lagging) {
                dropped = batch.last();
                return;
            }
            queue.add(batch);
            bytes += batch.bytes;
        }
        schedule();
    }

    /**
     * Delivers what is handed over from now on after the tasks that the loop has now, even if one of them delivers. To
     * be called by the reading thread.
     */
    void barrier() {
        synchronized (this) {
            queue.add(new Batch());
        }
        schedule();
    }

    /** Whether the backlog is full. */
    synchronized boolean full() {
        return bytes >= bounds.maxBytes;
    }

    /** Whether the backlog is so small that reading may resume. */
    synchronized boolean drained() {
        return bytes <= bounds.maxBytes / 2;
    }

    /** Returns the size in bytes of memory. */
    synchronized long bytes() {
        return bytes;
    }

    /**
     * Drops everything that the loop has not started to deliver, and everything that arrives until the loop continues.
     */
    synchronized void drop() {
        Queue<Batch> barriers = new ArrayDeque<>();
        for (Batch batch : queue) {
            if (batch.isBarrier()) {
                barriers.add(batch);
                continue;
            }
            if (!lagging) {
                lagging = true;
                laggingSince = batch.deliveries.get(0).publications.first().receivedAt();
            }
            bytes -= batch.bytes;
            dropped = batch.last();
        }
        queue.clear();
        queue.addAll(barriers);
    }

    /**
     * Returns the sequence of the newest dropped publication that was reported to {@code onLagged}. To be called on the
     * loop.
     */
    long lost() {
        return lost;
    }

    /**
     * Returns the newest position up to which everything has been passed to the connections; {@code null} without a
     * position, and while publications are being dropped. To be called on the loop.
     *
     * @param head up to where all batches had been handed over before this is called
     */
    @Nullable
    Position position(@Nullable Position head) {
        synchronized (this) {
            if (lagging) {
                return null;
            }
            if (current == null && queue.isEmpty()) {
                reached = head;
            }
        }
        return reached;
    }

    private void schedule() {
        synchronized (this) {
            if (scheduled) {
                return;
            }
            scheduled = true;
        }
        loop.execute(this::deliver);
    }

    private void deliver() {
        synchronized (this) {
            scheduled = false;
        }
        loop.runThenFlush(this::write);
        long now = System.nanoTime();
        for (Delivery delivery : unflushed) {
            delivery.meters.flushed(delivery.publications, now);
        }
        unflushed.clear();
    }

    private void write() {
        try {
            writeBatches();
        } finally {
            counts.report();
        }
    }

    private void writeBatches() {
        int writes = 0;
        while (writes < MAX_WRITES) {
            Batch batch = next();
            if (batch == null) {
                return;
            }
            if (batch.isBarrier()) {
                current = null;
                break;
            }
            while (batch.delivered < batch.deliveries.size() && writes < MAX_WRITES) {
                Delivery delivery = batch.deliveries.get(batch.delivered++);
                boolean last = batch.delivered == batch.deliveries.size() && isLast();
                counts.turnTo(delivery.meters);
                int receivers = delivery.listeners.deliver(delivery.publications, last, counts);
                unflushed.add(delivery);
                // The positions of some publications say nothing of others; then the batch has none.
                reached =
                        batch.end == null ? null : delivery.publications.last().position();
                writes += receivers + 1;
            }
            if (batch.delivered == batch.deliveries.size()) {
                current = null;
                reached = batch.end;
                finished(batch);
            }
        }
        schedule();
    }

    /** Whether nothing else has been handed over. */
    private synchronized boolean isLast() {
        return queue.isEmpty();
    }

    private @Nullable Batch next() {
        if (current != null) {
            return current;
        }
        long since;
        synchronized (this) {
            current = queue.poll();
            if (current != null || !lagging) {
                return current;
            }
            lagging = false;
            since = laggingSince;
            lost = dropped;
        }
        Instant until = Instant.now();
        onLagged.accept(new Lagged(loop, reached, until.minusNanos(System.nanoTime() - since), until));
        return null;
    }

    private void finished(Batch batch) {
        boolean drained;
        synchronized (this) {
            drained = bytes > bounds.maxBytes / 2 && bytes - batch.bytes <= bounds.maxBytes / 2;
            bytes -= batch.bytes;
        }
        if (drained) {
            onDrained.run();
        }
    }
}
