package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.route.Channel;
import io.smallrye.mutiny.Uni;
import java.util.List;

/** What is asked of Redis. Thread-safe; completes on any thread, but never before the call returns. */
interface StreamCommands {

    /** Returns the first entries from an ID on, which is included. */
    Uni<List<Entry>> range(Channel channel, EntryId from, int count);

    /** Returns the ID of the newest entry; {@link EntryId#ZERO} if there is none. */
    Uni<EntryId> newest(Channel channel);
}
