package dev.sluice.history;

import dev.sluice.clock.Position;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.Watermark;
import dev.sluice.route.Channel;
import java.util.List;

/**
 * The answer of the history to a client that states its last position: all publications since, or the reason why not.
 */
public sealed interface Replay {

    /**
     * Every publication of the channels after the client's position and up to another.
     *
     * @param entries in the order of their positions, which their payloads have
     * @param end what comes after it is not among them
     */
    record Recovered(List<Entry> entries, Watermark end) implements Replay {

        /** The position up to which they are. */
        public Position upTo() {
            return end.position();
        }
    }

    /** The history does not know what the client missed, or does not return it. */
    record Refused(Reason reason) implements Replay {}

    /**
     * The position is ahead of this pod, because the client came from a faster pod. This pod reaches it in a moment.
     */
    record Ahead() implements Replay {}

    /** One publication. */
    record Entry(Channel channel, Payload payload) {}

    /** The reason why nothing is replayed. */
    enum Reason {
        /** The history has evicted a publication that may be of one of the channels. */
        TOO_OLD,
        /** This pod did not hear everything since the position: it started counting later, or was interrupted. */
        GAP,
        /** More than {@code sluice.history.max-replay}, or too much to search. */
        TOO_MUCH,
        /** The position was made by pods that count differently. */
        MISMATCH,
        /** This pod has no positions now, or the route of a channel has no history. */
        UNKNOWN
    }
}
