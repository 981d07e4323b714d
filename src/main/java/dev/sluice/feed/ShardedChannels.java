package dev.sluice.feed;

import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Channels of several shards, each of which has a clock of its own. To be set up at the start; actions run on the feed's thread. */
public interface ShardedChannels extends WantedChannels {

    /** Calls the action with each channel that is counted from now on, see {@link CountedChannels#whenCounted}. */
    void whenCounted(Consumer<String> action);

    /** Calls the action with the channels of a shard and each of them that ends there, or is moved to another. */
    void whenLeft(BiConsumer<CountedChannels, String> action);

    /** Calls the action with the channels of a shard none of which is heard any more. */
    void whenDisconnected(Consumer<CountedChannels> action);

    /** Runs a task on the feed's thread, after what runs there now. */
    void later(Runnable task);
}
