package dev.sluice.guard;

import io.netty.channel.EventLoop;
import io.netty.channel.SingleThreadEventLoop;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Holds the scheduler of each event loop. Thread-safe. */
@Singleton
public final class TurnSchedulers {

    private final Map<EventLoop, TurnScheduler> known = new ConcurrentHashMap<>();

    /** Returns the scheduler of the event loop; to be used only on that loop. */
    public TurnScheduler of(EventLoop loop) {
        return known.computeIfAbsent(loop, TurnSchedulers::schedulerOf);
    }

    private static TurnScheduler schedulerOf(EventLoop loop) {
        SingleThreadEventLoop turns = (SingleThreadEventLoop) loop;
        // Two steps, because a task added during executeAfterEventLoopIteration runs in the same iteration, while an
        // ordinary task runs after the next poll.
        return new TurnScheduler(task -> turns.executeAfterEventLoopIteration(() -> turns.execute(task)));
    }
}
