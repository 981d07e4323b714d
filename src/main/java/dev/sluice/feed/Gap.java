package dev.sluice.feed;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A period in which publications may have been missed. Fired on the thread that reads Redis, after the last publication
 * before the gap, and again with its end when the feed is live. The first publications after the gap may precede its
 * end.
 *
 * @param since everything published before has been heard, by this pod's clock
 * @param until everything published from then on is heard; {@code null} while the gap is open
 */
public record Gap(Instant since, @Nullable Instant until) {

    /** Whether the gap still lasts. */
    public boolean open() {
        return until == null;
    }

    /** Returns this gap with an end. */
    public Gap closed(Instant end) {
        // A clock may be set back.
        return new Gap(since, end.isBefore(since) ? since : end);
    }
}
