package dev.sluice.protocol;

import dev.sluice.clock.Position;
import dev.sluice.outbox.Payload;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the delivery of channels to a client begins.
 *
 * @param recovered whether what was published on them since the client's position follows; {@code null} where the client
 *     has given no position
 * @param at everything before it has been sent on the connection; {@code null} where that can't be said
 * @param from what is published on them after it will be sent; {@code null} where this pod can't name positions
 * @param missed what follows, where it is part of the answer
 */
public record Start(
        @Nullable Boolean recovered,
        @Nullable Position at,
        @Nullable Position from,
        List<Payload> missed) {

    public Start(@Nullable Boolean recovered, @Nullable Position at, @Nullable Position from) {
        this(recovered, at, from, List.of());
    }

    /** Says nothing of positions. */
    public static final Start UNKNOWN = new Start(null, null, null);
}
