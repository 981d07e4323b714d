package dev.sluice.session;

import dev.sluice.feed.Gap;
import org.jspecify.annotations.Nullable;

/** The gaps that one client was told of, or must still be told of. Confined to the connection's event loop. */
final class GapReports {

    /** The current gap that was reported to the client. */
    private @Nullable Gap told;

    /** Whether the client was sent the start of the gap, so that it waits for the end. */
    private boolean sent;

    /** The number of gaps that must still be reported. */
    private int untold;

    /** Counts a gap that is reported later. */
    void expect() {
        untold++;
    }

    /**
     * Records the report of a gap's start.
     *
     * @param concerned whether the client may miss something by it
     * @return whether the client is to be sent it: it may already know the gap, or a later one
     */
    boolean starts(Gap gap, boolean concerned) {
        // A client that authenticated meanwhile may already know a later gap.
        boolean unknown = told == null || gap.since().isAfter(told.since());
        if (unknown) {
            told = gap;
            sent = concerned;
        }
        return unknown && concerned;
    }

    /** Counts a report that was expected; returns false if none was. */
    boolean isExpected() {
        if (untold == 0) {
            return false;
        }
        untold--;
        return true;
    }

    /** Records the report of a gap's end; returns false if the client was not told of its start. */
    boolean ends(Gap gap) {
        boolean known = told != null && told.since().equals(gap.since());
        if (known) {
            told = null;
        }
        return known;
    }

    /** Whether the client was sent the start of the newest gap that it was told of. */
    boolean wasSent() {
        return sent;
    }

    boolean isOver() {
        return told == null && untold == 0;
    }
}
