package dev.sluice.registry;

import dev.sluice.outbox.Loop;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;

/**
 * Queues connections that join or leave the listeners of one event loop. Any thread adds them; the loop applies them
 * in that order, before its next delivery and at the latest in a task of its own.
 *
 * <p>The queue has no limit of its own, because no change may be lost. It grows only while the loop is stalled, by
 * changes that other threads make to the loop's connections. A connection joins and leaves each of its channels once
 * ({@code sluice.limits.connections} × {@code subscriptions-per-user}), and more often only if the same user
 * subscribes and unsubscribes over other loops, which {@code sluice.limits.frames-per-second} limits. The liveness
 * probe fails if the loop is stalled for {@code sluice.liveness.max-block}.
 */
final class LoopChanges {

    private final Loop loop;
    private final Predicate<LoopListeners> drop;
    private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean scheduled = new AtomicBoolean();

    // Used by the loop.
    private final List<LoopListeners> emptied = new ArrayList<>();

    /**
     * Creates an empty queue.
     *
     * @param drop called on the loop for listeners that became empty; returns false if they must be dropped after the changes
     *     that were added meanwhile
     */
    LoopChanges(Loop loop, Predicate<LoopListeners> drop) {
        this.loop = loop;
        this.drop = drop;
    }

    Loop loop() {
        return loop;
    }

    /** Adds a change; {@link #schedule} must follow. */
    void add(Runnable change) {
        queue.add(change);
    }

    /** Makes the loop apply the changes. To be called without a lock that a change takes. */
    void schedule() {
        if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
            loop.execute(() -> {
                scheduled.set(false);
                apply();
            });
        }
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    /** Applies all changes. To be called on the loop. */
    void apply() {
        if (queue.isEmpty()) {
            return;
        }
        do {
            for (Runnable change = queue.poll(); change != null; change = queue.poll()) {
                change.run();
            }
            emptied.removeIf(drop);
        } while (!emptied.isEmpty());
    }

    /** Records that the listeners have become empty. To be called by a change. */
    void emptied(LoopListeners listeners) {
        emptied.add(listeners);
    }
}
