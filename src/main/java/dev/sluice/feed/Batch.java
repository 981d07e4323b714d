package dev.sluice.feed;

import dev.sluice.clock.Position;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Publications that came one after the other in one read from Redis. A tick of the clock, or another message on a
 * channel of Sluice's own, ends a batch, so one read may form several. A batch without publications only moves the
 * clock.
 *
 * @param before the point right before the first publication; {@code null} while this pod can't name points
 * @param shard the channels of the shard that sent them; {@code null} if they are not of a shard
 * @param publications in the order Redis sent them; the list is the receiver's
 */
public record Batch(@Nullable Position before, @Nullable CountedChannels shard, List<Publication> publications) {

    /** Creates a batch that is not of a shard. */
    public Batch(@Nullable Position before, List<Publication> publications) {
        this(before, null, publications);
    }

    /** Returns the position of the publication with this index; {@code null} if it has none. */
    public @Nullable Position position(int index) {
        return before == null ? null : before.plus(index + 1);
    }
}
