package dev.sluice.outbox;

import dev.sluice.log.LogThrottle;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jboss.logging.Logger;

/**
 * One event loop as its connections share it: what they write in one batch is flushed once for each of them at its end.
 * Confined to the event loop, but for {@link #execute} and {@link #index}.
 */
public final class Loop {

    private static final Logger LOG = Logger.getLogger(Loop.class);

    private final int index;
    private final Executor executor;
    private final List<Outbox> toFlush = new ArrayList<>();
    private final Set<Outbox> watched = Collections.newSetFromMap(new IdentityHashMap<>());
    private final LogThrottle unflushed = new LogThrottle();
    private boolean flushScheduled;

    /** Bytes of memory that wait in its outboxes. */
    private long pending;

    private boolean makingRoom;

    /**
     * A loop nothing has been written on.
     *
     * @param index its own number; the loops of a pod count from 0
     * @param executor runs tasks on the event loop in the order given
     */
    public Loop(int index, Executor executor) {
        this.index = index;
        this.executor = executor;
    }

    /** Its number. */
    public int index() {
        return index;
    }

    /** Runs a task on the loop, after those given before. May be called on any thread. */
    public void execute(Runnable task) {
        executor.execute(task);
    }

    /** Runs a batch now, and then flushes every outbox that was written to. */
    public void batch(Runnable task) {
        flushScheduled = true;
        try {
            task.run();
        } finally {
            flush();
        }
    }

    /** Looks after the outboxes that have something under way; to be called now and then. */
    public void sweep() {
        long now = System.nanoTime();
        List.copyOf(watched).forEach(outbox -> outbox.check(now));
    }

    /** So many bytes more wait in an outbox, or less; where there are more than that, room will be made. */
    void charge(long bytes, long max) {
        pending += bytes;
        if (pending > max && bytes > 0 && !makingRoom) {
            makingRoom = true;
            // Not amid what the outbox is doing.
            executor.execute(() -> makeRoom(max));
        }
    }

    /**
     * Ends the connections for which most waits. Those that are ending already had until now to take a close frame: their
     * memory is needed.
     */
    private void makeRoom(long max) {
        makingRoom = false;
        List<Outbox> largestFirst = new ArrayList<>(watched);
        largestFirst.sort(Comparator.comparing((Outbox outbox) -> !outbox.isEnding())
                .thenComparing(Comparator.comparingLong(Outbox::share).reversed()));
        // A little more than is needed, so that it is not needed again at once.
        long excess = pending - max + max / 8;
        for (Outbox outbox : largestFirst) {
            if (excess <= 0) {
                return;
            }
            if (outbox.share() > 0) {
                excess -= outbox.share();
                outbox.makeRoom();
            }
        }
    }

    void flushLater(Outbox outbox) {
        toFlush.add(outbox);
        if (!flushScheduled) {
            flushScheduled = true;
            executor.execute(this::flush);
        }
    }

    void watch(Outbox outbox) {
        watched.add(outbox);
    }

    void unwatch(Outbox outbox) {
        watched.remove(outbox);
    }

    private void flush() {
        // What a flush sets free may be written and so come to the end of the list.
        for (int i = 0; i < toFlush.size(); i++) {
            Outbox outbox = toFlush.get(i);
            try {
                outbox.flush();
            } catch (Throwable e) {
                // Nobody else may wait because of it.
                long count = unflushed.pass();
                if (count > 0) {
                    LOG.errorf(
                            e,
                            "Connections that could not be flushed: %d; further ones are not logged for a minute",
                            count);
                }
                // What it was to flush may be lost.
                outbox.fail(Disconnect.INTERNAL_ERROR);
            }
        }
        toFlush.clear();
        flushScheduled = false;
    }
}
