package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.PublicationFormat;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What Sluice's messages look like to a client. The client chooses by the subprotocol that it offers. Immutable, and the same
 * object for all connections that speak it.
 */
public interface Dialect extends PublicationFormat {

    /** Payloads as they are, and messages without positions. */
    Dialect V1 = new V1();

    /** Payloads behind a header, and messages with positions. */
    Dialect V2 = new V2();

    /** Each of them. */
    List<Dialect> ALL = List.of(V1, V2);

    /** The one of the subprotocol that was agreed upon; {@link #V1} where none was. */
    static Dialect of(@Nullable String subprotocol) {
        return ALL.stream()
                .filter(dialect -> dialect.subprotocol().equals(subprotocol))
                .findFirst()
                .orElse(V1);
    }

    /** The name used in metrics. */
    String tag();

    /** The name under which a client offers it. */
    String subprotocol();

    /** Whether its messages carry positions, by which a client can come back. */
    boolean positioned();

    /**
     * The client is authenticated.
     *
     * @param recovered whether what was published since the client's position follows; {@code null} where it has given none
     * @param at everything before it has been sent; {@code null} where that can't be said
     * @param id of the client's message
     */
    Frame authSuccess(String user, @Nullable Boolean recovered, @Nullable Position at, @Nullable JsonNode id);

    Frame authError(String message);

    /**
     * The client hears the channel.
     *
     * @param retained whether the newest publication follows
     * @param recovered see {@link #authSuccess}
     * @param at see {@link #authSuccess}
     * @param id of the client's message
     */
    Frame subscribed(
            String channel,
            boolean retained,
            @Nullable Boolean recovered,
            @Nullable Position at,
            @Nullable JsonNode id);

    Frame unsubscribed(String channel, @Nullable JsonNode id);

    /** Publications between may be lost; without an end they still are. */
    Frame gap(Instant since, @Nullable Instant until);

    /** Everything before the position has been sent. To be called only where it is {@link #positioned}. */
    Frame mark(Position at);

    /** Asks for a sign of life. */
    Frame ping();

    /** The answer to a ping of the client's. */
    Frame pong(JsonNode id);

    Frame error(ErrorCode code, String message, @Nullable JsonNode id);

    Frame error(ErrorCode code, String message, String channel, @Nullable JsonNode id);
}
