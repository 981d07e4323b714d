package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sluice's own messages are JSON objects whose {@code action} comes first. */
class V1 implements Dialect {

    /** A limit is reached; the client may try again later. */
    private static final int TRY_AGAIN_LATER = 1013;

    private static final long NANOS_PER_MILLI = 1_000_000;

    /** Our own ping for the client's code, and the protocol's for its WebSocket implementation. */
    private static final List<Frame> HEARTBEAT = List.of(new Frame.Text(utf8(action("ping"))), new Frame.Ping());

    @Override
    public String tag() {
        return "v1";
    }

    @Override
    public @Nullable String subprotocol() {
        return "sluice.v1";
    }

    @Override
    public boolean positioned() {
        return false;
    }

    @Override
    public List<ClientMessage> parse(String text) {
        return List.of(ClientMessageParser.parse(text, positioned()));
    }

    @Override
    public Frame authSuccess(Welcome welcome, @Nullable JsonNode id) {
        return frame(positioned(action("auth_success").put("user_id", welcome.user()), welcome.start()), id);
    }

    @Override
    public Frame renewed(Welcome welcome, @Nullable JsonNode id) {
        return authSuccess(welcome, id);
    }

    @Override
    public @Nullable Frame authError(Refusal reason, String message, @Nullable JsonNode id) {
        return reason.announced() ? frame(action("auth_error").put("message", message), null) : null;
    }

    @Override
    public Frame subscribed(Channel channel, boolean retained, Start start, @Nullable JsonNode id) {
        ObjectNode answer = action("subscribed").put("channel", channel.name());
        return frame(positioned(retained ? answer.put("retained", true) : answer, start), id);
    }

    @Override
    public Frame gap(Channel channel, Instant since, @Nullable Instant until) {
        return frame(period(action("gap").put("channel", channel.name()), since, until), null);
    }

    @Override
    public Frame gap(Instant since, @Nullable Instant until) {
        return frame(period(action("gap"), since, until), null);
    }

    /** Adds a period in milliseconds, rounded so that it is not shorter. */
    private static ObjectNode period(ObjectNode message, Instant since, @Nullable Instant until) {
        String end = until == null ? null : millis(until.plusNanos(NANOS_PER_MILLI - 1));
        return message.put("since", millis(since)).put("until", end);
    }

    private static String millis(Instant time) {
        return time.truncatedTo(ChronoUnit.MILLIS).toString();
    }

    @Override
    public @Nullable Frame mark(Position at) {
        return null;
    }

    @Override
    public Frame unsubscribed(String channel, @Nullable JsonNode id) {
        return frame(action("unsubscribed").put("channel", channel), id);
    }

    @Override
    public List<Frame> heartbeat() {
        return HEARTBEAT;
    }

    @Override
    public boolean answersHeartbeats() {
        return true;
    }

    @Override
    public long maxHeartbeatNanos() {
        return Long.MAX_VALUE;
    }

    @Override
    public Frame presence(PresentUsers present, @Nullable JsonNode id) {
        throw new UnsupportedOperationException(tag());
    }

    @Override
    public Frame presenceChanged(Channel channel, String user, boolean joined) {
        throw new UnsupportedOperationException(tag());
    }

    @Override
    public Frame pong(JsonNode id) {
        return frame(action("pong"), id);
    }

    @Override
    public Frame error(ErrorCode code, String message, @Nullable JsonNode id) {
        return frame(action("error").put("code", code.code()).put("message", message), id);
    }

    @Override
    public Frame error(ErrorCode code, String message, String channel, @Nullable JsonNode id) {
        return frame(
                action("error").put("code", code.code()).put("message", message).put("channel", channel), id);
    }

    @Override
    public boolean addsHeader() {
        return false;
    }

    @Override
    public int overhead(Channel channel, Payload payload) {
        return 0;
    }

    @Override
    public byte[] encode(Channel channel, Payload payload, boolean complete) {
        return payload.bytes();
    }

    @Override
    public byte[] missed(Channel channel, int count) {
        return bytes(action("missed").put("channel", channel.name()).put("count", count));
    }

    @Override
    public Close closeFor(Disconnect reason) {
        return new Close(code(reason), text(reason));
    }

    private static int code(Disconnect reason) {
        return switch (reason) {
            case CLIENT_CLOSED -> 1000;
            case CONNECTION_LOST, CONNECTION_RESET, PEER_SILENT, SEND_FAILED, INTERNAL_ERROR -> 1011;
            case PROTOCOL_ERROR -> 1002;
            case INVALID_TEXT -> 1007;
            case FRAME_TOO_LARGE -> 1009;
            case FLOODED -> 4029;
            case INBOUND_FULL -> TRY_AGAIN_LATER;
            case OUTBOX_FULL, STALLED -> 4008;
            case TOKEN_EXPIRED -> 4010;
            case OPERATOR -> 4503;
            case GOING_AWAY, MAX_AGE -> 1012;
        };
    }

    private static String text(Disconnect reason) {
        return switch (reason) {
            case CLIENT_CLOSED, CONNECTION_LOST, CONNECTION_RESET -> "";
            case PEER_SILENT -> "no sign of life";
            case PROTOCOL_ERROR -> "WebSocket protocol error";
            case INVALID_TEXT -> "text is not UTF-8";
            case FRAME_TOO_LARGE -> "frame too large";
            case FLOODED -> "too many frames";
            case INBOUND_FULL -> "the pod has too much to handle";
            case OUTBOX_FULL -> "too slow: too much is waiting";
            case STALLED -> "too slow: nothing was taken in time";
            case TOKEN_EXPIRED -> "token has expired";
            case OPERATOR -> "disconnected by an operator";
            case SEND_FAILED -> "sending failed";
            case INTERNAL_ERROR -> "internal error";
            case GOING_AWAY -> "this pod is going away, reconnect";
            case MAX_AGE -> "reconnect, so that clients even out";
        };
    }

    @Override
    public Close closeFor(Refusal reason, String message) {
        int code = switch (reason) {
            case TIMEOUT -> 4001;
            case NOT_AUTH -> 4002;
            case TOKEN, SIGNATURE, EXPIRED, AUDIENCE, ISSUER, TYPE, CLAIMS, WEBHOOK -> 4003;
            case NOT_JSON -> 4004;
            case FLOOD -> 4029;
            case UNAVAILABLE, UNDECIDED -> TRY_AGAIN_LATER;
        };
        return new Close(code, message);
    }

    @Override
    public Close closeUntilLater(String message) {
        return new Close(TRY_AGAIN_LATER, message);
    }

    /** Adds positions to an answer, in dialects that have them. */
    ObjectNode positioned(ObjectNode answer, Start start) {
        return answer;
    }

    static ObjectNode action(String action) {
        return JsonNodeFactory.instance.objectNode().put("action", action);
    }

    Frame frame(ObjectNode message, @Nullable JsonNode id) {
        if (id != null) {
            message.set("id", id);
        }
        return new Frame.Text(bytes(message));
    }

    /** Returns the bytes of one of Sluice's own messages. */
    byte[] bytes(ObjectNode message) {
        return utf8(message);
    }

    private static byte[] utf8(ObjectNode message) {
        return message.toString().getBytes(StandardCharsets.UTF_8);
    }
}
