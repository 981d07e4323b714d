package dev.sluice.protocol;

import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where the delivery of channels to a client begins.
 *
 * @param recovered whether the publications since the client's position follow; {@code null} if the client gave no
 *     position
 * @param at everything before it has been sent on the connection; {@code null} if no position has this property
 * @param from the publications after it will be sent; {@code null} if this pod has no positions
 * @param missed the publications that follow, if they are part of the answer
 * @param entry as {@code at}, of a stream
 * @param entries as {@code entry}, of each of several streams for which it is known
 * @param since the client's position, which stays valid while it gets what it missed of streams; {@code null} otherwise
 */
public record Start(
        @Nullable Boolean recovered,
        @Nullable Position at,
        @Nullable Position from,
        List<Payload> missed,
        @Nullable EntryId entry,
        Map<Channel, EntryId> entries,
        @Nullable Position since) {

    public Start(@Nullable Boolean recovered, @Nullable Position at, @Nullable Position from) {
        this(recovered, at, from, List.of());
    }

    public Start(@Nullable Boolean recovered, @Nullable Position at, @Nullable Position from, List<Payload> missed) {
        this(recovered, at, from, missed, null, Map.of(), null);
    }

    /** Returns the start of a stream's channel. */
    public static Start ofStream(@Nullable Boolean recovered, @Nullable EntryId at) {
        return new Start(recovered, null, null, List.of(), at, Map.of(), null);
    }

    /**
     * Returns this start together with that of streams.
     *
     * @param resumed the client's position; {@code null} if it gave none
     */
    public Start with(boolean recovers, Map<Channel, EntryId> streams, @Nullable Position resumed) {
        Boolean both = recovered == null ? null : recovered && recovers;
        return new Start(both, at, from, missed, entry, streams, Boolean.TRUE.equals(both) ? resumed : null);
    }

    /** A start without positions. */
    public static final Start UNKNOWN = new Start(null, null, null);
}
