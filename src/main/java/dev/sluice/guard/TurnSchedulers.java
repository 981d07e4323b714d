package dev.sluice.guard;

import io.netty.channel.EventLoop;
import io.netty.channel.SingleThreadEventLoop;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The scheduler of each event loop. For use by all threads. */
@Singleton
public final class TurnSchedulers {

    private final Map<EventLoop, TurnScheduler> known = new ConcurrentHashMap<>();

    /** The scheduler of the event loop, which is to be used on it only. */
    public TurnScheduler of(EventLoop loop) {
        return known.computeIfAbsent(loop, TurnSchedulers::schedulerOf);
    }

    private static TurnScheduler schedulerOf(EventLoop loop) {
        SingleThreadEventLoop turns = (SingleThreadEventLoop) loop;
        // In two steps: what such a task adds of its kind runs at once, and only an ordinary task waits for input
        // first.
        return new TurnScheduler(task -> turns.executeAfterEventLoopIteration(() -> turns.execute(task)));
    }
}
