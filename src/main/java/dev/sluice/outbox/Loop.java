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
 * One event loop of connections. At the end of a task, it flushes each connection that was written to once. Confined
 * to the event loop, except {@link #execute} and {@link #index}.
 */
public final class Loop {

    private static final Logger LOG = Logger.getLogger(Loop.class);

    private final int index;
    private final Executor executor;

    /** Not a {@link List}, because each delivery calls it, and calls by an interface cost more. */
    private final ArrayList<Outbox> toFlush = new ArrayList<>();

    private final Set<Outbox> watched = Collections.newSetFromMap(new IdentityHashMap<>());
    private final LogThrottle unflushed = new LogThrottle();
    private boolean flushScheduled;

    /** The bytes of memory that wait in its outboxes. */
    private long pending;

    private boolean makingRoom;

    /**
     * Creates a loop.
     *
     * @param index its own number; the loops of a pod count from 0
     * @param executor runs tasks on the event loop in the order given
     */
    public Loop(int index, Executor executor) {
        this.index = index;
        this.executor = executor;
    }

    /** The number of the loop. */
    public int index() {
        return index;
    }

    /** Runs a task on the loop, after earlier ones. Thread-safe. */
    public void execute(Runnable task) {
        executor.execute(task);
    }

    /** Runs a task now, then flushes every outbox that was written to. */
    public void runThenFlush(Runnable task) {
        flushScheduled = true;
        try {
            task.run();
        } finally {
            flush();
        }
    }

    /** Checks the outboxes that have data under way; to be called periodically. */
    public void sweep() {
        long now = System.nanoTime();
        List.copyOf(watched).forEach(outbox -> outbox.check(now));
    }

    /**
     * Adds to the bytes that wait in the outboxes; may be negative. If they exceed the maximum, connections will be
     * ended.
     */
    void charge(long bytes, long max) {
        pending += bytes;
        if (pending > max && bytes > 0 && !makingRoom) {
            makingRoom = true;
            // Runs later, because the outbox is at work now.
            executor.execute(() -> makeRoom(max));
        }
    }

    /**
     * Ends the connections with most data waiting. Connections that are already ending had until now to take a close
     * frame; their memory is needed.
     */
    private void makeRoom(long max) {
        makingRoom = false;
        List<Outbox> largestFirst = new ArrayList<>(watched);
        largestFirst.sort(Comparator.comparing((Outbox outbox) -> !outbox.isEnding())
                .thenComparing(Comparator.comparingLong(Outbox::share).reversed()));
        // Frees a little more than needed, so that this does not repeat at once.
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

    /** Flushes an outbox now that has asked for it. */
    void flush(Outbox outbox) {
        int last = toFlush.size() - 1;
        if (last >= 0 && toFlush.get(last) == outbox) {
            toFlush.remove(last);
        }
        flushSafely(outbox);
    }

    private void flush() {
        // A flush may lead to writes, which extend the list.
        for (int i = 0; i < toFlush.size(); i++) {
            flushSafely(toFlush.get(i));
        }
        toFlush.clear();
        flushScheduled = false;
    }

    private void flushSafely(Outbox outbox) {
        try {
            outbox.flush();
        } catch (Throwable e) {
            // A failure must not delay other connections.
            long count = unflushed.pass();
            if (count > 0) {
                LOG.errorf(
                        e,
                        "Sluice failed to flush connections: %d. Please report this bug; the next log line follows"
                                + " in a minute",
                        count);
            }
            // Data that was to be flushed may be lost.
            outbox.fail(Disconnect.INTERNAL_ERROR);
        }
    }
}
