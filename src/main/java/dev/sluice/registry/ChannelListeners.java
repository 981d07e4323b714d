package dev.sluice.registry;

import dev.sluice.outbox.Loop;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The event loops that have listeners of one channel. Changed under the index's lock for the channel; any thread may
 * read.
 */
public final class ChannelListeners {

    /** Replaced when a loop is added or removed, and never modified. */
    private volatile LoopListeners[] loops = {};

    ChannelListeners() {}

    /** Calls the action for each loop that has listeners of the channel, or is about to have some. */
    public void forEachLoop(Consumer<LoopListeners> action) {
        for (LoopListeners listeners : loops) {
            action.accept(listeners);
        }
    }

    /** Returns those of each loop that has listeners of the channel, or is about to have some; not to be modified. */
    public LoopListeners[] byLoop() {
        return loops;
    }

    @Nullable
    LoopListeners on(Loop loop) {
        for (LoopListeners listeners : loops) {
            if (listeners.loop() == loop) {
                return listeners;
            }
        }
        return null;
    }

    void add(LoopListeners listeners) {
        LoopListeners[] before = loops;
        LoopListeners[] after = Arrays.copyOf(before, before.length + 1);
        after[before.length] = listeners;
        loops = after;
    }

    void remove(LoopListeners listeners) {
        loops = Stream.of(loops).filter(other -> other != listeners).toArray(LoopListeners[]::new);
    }

    boolean isEmpty() {
        return loops.length == 0;
    }
}
