package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Sluice's own messages are JSON objects whose {@code action} comes first. */
class V1 implements Dialect {

    private static final Frame PING = frame(action("ping"), null);

    @Override
    public String tag() {
        return "v1";
    }

    @Override
    public String subprotocol() {
        return "sluice.v1";
    }

    @Override
    public boolean positioned() {
        return false;
    }

    @Override
    public Frame authSuccess(String user, @Nullable Boolean recovered, @Nullable Position at, @Nullable JsonNode id) {
        return frame(positioned(action("auth_success").put("user_id", user), recovered, at), id);
    }

    @Override
    public Frame authError(String message) {
        return frame(action("auth_error").put("message", message), null);
    }

    @Override
    public Frame subscribed(
            String channel,
            boolean retained,
            @Nullable Boolean recovered,
            @Nullable Position at,
            @Nullable JsonNode id) {
        ObjectNode answer = action("subscribed").put("channel", channel);
        return frame(positioned(retained ? answer.put("retained", true) : answer, recovered, at), id);
    }

    @Override
    public Frame gap(Instant since, @Nullable Instant until) {
        String end = until == null ? null : until.toString();
        return frame(action("gap").put("since", since.toString()).put("until", end), null);
    }

    @Override
    public Frame mark(Position at) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Frame unsubscribed(String channel, @Nullable JsonNode id) {
        return frame(action("unsubscribed").put("channel", channel), id);
    }

    @Override
    public Frame ping() {
        return PING;
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
    public byte[] encode(Channel channel, Payload payload, boolean complete) {
        return payload.bytes();
    }

    /** Adds to an answer what it says of positions. */
    ObjectNode positioned(ObjectNode answer, @Nullable Boolean recovered, @Nullable Position at) {
        return answer;
    }

    static ObjectNode action(String action) {
        return JsonNodeFactory.instance.objectNode().put("action", action);
    }

    static Frame frame(ObjectNode message, @Nullable JsonNode id) {
        if (id != null) {
            message.set("id", id);
        }
        return Frame.text(message.toString());
    }
}
