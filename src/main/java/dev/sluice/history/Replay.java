package dev.sluice.history;

import dev.sluice.clock.Position;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.util.List;

/** What the history has for a client that names the last position it holds: everything, or nothing and why. */
public sealed interface Replay {

    /**
     * Every publication of the channels after the client's position and up to another.
     *
     * @param entries in the order of their positions, which their payloads have
     * @param upTo what comes after it is not among them
     */
    record Recovered(List<Entry> entries, Position upTo) implements Replay {}

    /** The history can't say what the client missed, or does not hand it out. */
    record Refused(Reason reason) implements Replay {}

    /** The position is ahead of this pod, which hears it in a moment: the client came from a pod that was faster. */
    record Ahead() implements Replay {}

    /** One publication. */
    record Entry(Channel channel, Payload payload) {}

    /** Why nothing is replayed. */
    enum Reason {
        /** A publication that may be one of the channels' has left the history since. */
        TOO_OLD,
        /** This pod did not hear everything since: it began to count later, or was interrupted. */
        GAP,
        /** More than {@code sluice.history.max-replay}, or too much to search. */
        TOO_MUCH,
        /** The position was named by pods that count otherwise. */
        MISMATCH,
        /** This pod can't name positions now, or the route of a channel keeps no history. */
        UNKNOWN
    }
}
