package dev.sluice.feed;

import dev.sluice.clock.Position;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one read from Redis brought, up to the next tick of the clock; without publications it says that the clock has moved.
 *
 * @param before the point right before the first publication; {@code null} while this pod can't name points
 * @param publications in the order Redis sent them; the list is the receiver's
 */
public record Batch(@Nullable Position before, List<Publication> publications) {

    /** That of the publication with this index; {@code null} where it has no name. */
    public @Nullable Position position(int index) {
        return before == null ? null : before.plus(index + 1);
    }
}
