package dev.sluice.feed;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of time in which publications may have been missed. Fired on the thread publications come on, after the last
 * one before it, and again with its end once the feed is live, which the first ones after it may precede.
 *
 * @param since whatever was published before has been heard, by this pod's clock
 * @param until whatever is published from then on is heard, or {@code null} while that can't be said
 */
public record Gap(Instant since, @Nullable Instant until) {

    /** Whether it still lasts. */
    public boolean open() {
        return until == null;
    }

    /** The same, over. */
    public Gap closed(Instant end) {
        // A clock may be set back.
        return new Gap(since, end.isBefore(since) ? since : end);
    }
}
