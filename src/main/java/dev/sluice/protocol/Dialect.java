package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.route.Channel;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The format of Sluice's messages. The client chooses it by its request: the path, or the subprotocol that it offers.
 * Immutable, and shared by all connections that use it.
 */
public interface Dialect extends PublicationFormat {

    /** Version 1: payloads alone, and messages without positions. */
    Dialect V1 = new V1();

    /** Version 2: payloads after a header, and messages with positions. */
    Dialect V2 = new V2();

    /** Server-sent events. */
    Dialect EVENTS = new EventStream(false);

    /** Server-sent events, of which publications have their channel as type. */
    Dialect NAMED_EVENTS = new EventStream(true);

    /** The JSON protocol of Centrifugo's SDKs. */
    ChannelDialect CENTRIFUGE = new Centrifuge();

    /** All dialects. */
    List<Dialect> ALL = List.of(V1, V2, EVENTS, NAMED_EVENTS, CENTRIFUGE);

    /** Returns the dialect of the negotiated subprotocol; {@link #V1} without one. */
    static Dialect of(@Nullable String subprotocol) {
        return ALL.stream()
                .filter(dialect -> subprotocol != null && subprotocol.equals(dialect.subprotocol()))
                .findFirst()
                .orElse(V1);
    }

    /** The name used in metrics. */
    String tag();

    /** The subprotocol that a client offers; {@code null} if clients choose the dialect in another way. */
    @Nullable
    String subprotocol();

    /** Whether messages carry positions, from which a client can resume. */
    boolean positioned();

    /** Parses the content of a text frame. Returns at least one message, in the order of execution; never throws. */
    List<ClientMessage> parse(String text);

    /** The client is authenticated; {@code id} is that of its message. */
    Frame authSuccess(Welcome welcome, @Nullable JsonNode id);

    /** The client's token was renewed. */
    Frame renewed(Welcome welcome, @Nullable JsonNode id);

    /** The client is refused; {@code null} if the close is the only answer. */
    @Nullable
    Frame authError(Refusal reason, String message, @Nullable JsonNode id);

    /**
     * The client now receives the channel.
     *
     * @param retained whether the newest publication follows
     * @param id of the client's message
     */
    Frame subscribed(Channel channel, boolean retained, Start start, @Nullable JsonNode id);

    Frame unsubscribed(String channel, @Nullable JsonNode id);

    /** Publications since {@code since} may be lost; {@code until} is {@code null} while the gap lasts. */
    Frame gap(Instant since, @Nullable Instant until);

    /** What was published on the channel may be lost; {@code until} is {@code null} while the gap lasts. */
    Frame gap(Channel channel, Instant since, @Nullable Instant until);

    /** Everything before the position has been sent; {@code null} if the dialect has no such message. */
    @Nullable
    Frame mark(Position at);

    /** Asks the client to show that it is alive, and keeps proxies from closing the connection. */
    List<Frame> heartbeat();

    /** Whether the client answers each heartbeat. */
    boolean answersHeartbeats();

    /** The longest time between two heartbeats, in nanoseconds. */
    long maxHeartbeatNanos();

    /** The answer to a client that asks who receives a channel; not to be called if its clients can't ask. */
    Frame presence(PresentUsers present, @Nullable JsonNode id);

    /** A user has joined or left a channel; not to be called if the dialect has no such message. */
    Frame presenceChanged(Channel channel, String user, boolean joined);

    /** The answer to a client's ping. */
    Frame pong(JsonNode id);

    Frame error(ErrorCode code, String message, @Nullable JsonNode id);

    Frame error(ErrorCode code, String message, String channel, @Nullable JsonNode id);

    /** The connection ends. */
    Close closeFor(Disconnect reason);

    /** The client is refused. */
    Close closeFor(Refusal reason, String message);

    /** The client is refused because a limit is reached, and may try again later. */
    Close closeUntilLater(String message);
}
