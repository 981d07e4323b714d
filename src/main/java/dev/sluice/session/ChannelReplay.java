package dev.sluice.session;

import dev.sluice.clock.EntryId;
import dev.sluice.registry.Deferral;
import dev.sluice.route.Channel;
import dev.sluice.stream.StreamReplay.Progress;
import dev.sluice.stream.StreamReplay.Slice;

/**
 * The delivery of what a client missed of a stream, by {@link ReplaySender}, and how the client is told of it. Confined
 * to the connection's event loop.
 */
abstract class ChannelReplay {

    /** What happens to a slice. */
    enum Next {
        SEND,
        /** It is read again later. */
        WAIT,
        /** The replay is over. */
        STOP
    }

    final Client client;
    final Channel channel;
    final Deferral deferral;
    Progress progress;

    /** When the replay began, in nanoseconds. */
    long begun;

    ChannelReplay(Client client, Channel channel, Deferral deferral) {
        this.client = client;
        this.channel = channel;
        this.deferral = deferral;
        this.progress = Progress.since(channel, EntryId.ZERO);
    }

    /** Whether the client's request has been answered. */
    abstract boolean isAnswered();

    /** Tells the client what it must know before it gets the slice, which follows the {@link #progress}. */
    abstract Next before(Slice slice);

    /** Answers the request, because the client has left the channel, or a later request continues. */
    abstract void left();

    /** Answers the request, because Redis does not answer. */
    abstract void unavailable();
}
