package dev.sluice.registry;

import dev.sluice.outbox.Loop;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;

/**
 * Connections that are to join or leave the listeners of one event loop. Any thread adds them; the loop applies them in that
 * order, before it next delivers and at the latest in a task of its own.
 *
 * <p>The queue has no limit of its own: a change must not be lost. It grows only while the loop is stalled, by what other
 * threads change meanwhile for connections of the loop. A connection joins and leaves each of its channels once ({@code
 * sluice.limits.connections} × {@code subscriptions-per-user}); more often only where the same user subscribes and
 * unsubscribes over other loops, which {@code sluice.limits.frames-per-second} limits, a channel counting as a frame. The
 * liveness probe fails once the loop is stalled for {@code sluice.liveness.max-block}.
 */
final class LoopChanges {

    private final Loop loop;
    private final Predicate<LoopListeners> drop;
    private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean scheduled = new AtomicBoolean();

    // Of the loop.
    private final List<LoopListeners> emptied = new ArrayList<>();

    /**
     * No changes.
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

    /** Adds a change; {@link #schedule} is to follow. */
    void add(Runnable change) {
        queue.add(change);
    }

    /** Makes the loop apply what was added. To be called without a lock that a change takes. */
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

    /** The listeners have become empty. To be called by a change. */
    void emptied(LoopListeners listeners) {
        emptied.add(listeners);
    }
}
