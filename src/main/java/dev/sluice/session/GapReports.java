package dev.sluice.session;

import dev.sluice.feed.Gap;
import org.jspecify.annotations.Nullable;

/**
 * The newest gap that was reported to one client, and the number of reports that it must still get. Confined to the
 * connection's event loop.
 */
final class GapReports {

    /** The newest gap whose start was reported; {@code null} once its end is. */
    private @Nullable Gap newest;

    /** Whether the client was sent that start, because the gap concerns it; then it is sent the end as well. */
    private boolean newestSent;

    /** The number of reports that are still to come. */
    private int outstanding;

    /** Counts a gap that will be reported later. */
    void expect() {
        outstanding++;
    }

    /**
     * Records the report of a gap's start.
     *
     * @param concerned whether the client may have missed something
     * @return whether the client is to be sent the start; not if it already knows the gap, or a later one
     */
    boolean starts(Gap gap, boolean concerned) {
        // A client that authenticated meanwhile may already know a later gap.
        boolean unknown = newest == null || gap.since().isAfter(newest.since());
        if (unknown) {
            newest = gap;
            newestSent = concerned;
        }
        return unknown && concerned;
    }

    /** Takes one expected report off the count; returns false if none was expected. */
    boolean takeExpected() {
        if (outstanding == 0) {
            return false;
        }
        outstanding--;
        return true;
    }

    /** Records the report of a gap's end; returns false if the client was not told of its start. */
    boolean ends(Gap gap) {
        boolean known = newest != null && newest.since().equals(gap.since());
        if (known) {
            newest = null;
        }
        return known;
    }

    /** Whether the client was sent the start of the newest gap that it was told of. */
    boolean wasSent() {
        return newestSent;
    }

    boolean isOver() {
        return newest == null && outstanding == 0;
    }
}
