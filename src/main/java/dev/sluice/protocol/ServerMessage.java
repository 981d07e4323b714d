package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.outbox.Frame;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Sluice's own messages to clients: JSON objects whose {@code action} comes first. */
public final class ServerMessage {

    public static final Frame PING = frame(action("ping"), null);

    private ServerMessage() {}

    public static Frame authSuccess(String user, @Nullable JsonNode id) {
        return frame(action("auth_success").put("user_id", user), id);
    }

    public static Frame authError(String message) {
        return frame(action("auth_error").put("message", message), null);
    }

    public static Frame subscribed(String channel, boolean retained, @Nullable JsonNode id) {
        ObjectNode answer = action("subscribed").put("channel", channel);
        return frame(retained ? answer.put("retained", true) : answer, id);
    }

    /** Publications between may be lost; without an end they still are. */
    public static Frame gap(Instant since, @Nullable Instant until) {
        String end = until == null ? null : until.toString();
        return frame(action("gap").put("since", since.toString()).put("until", end), null);
    }

    public static Frame unsubscribed(String channel, @Nullable JsonNode id) {
        return frame(action("unsubscribed").put("channel", channel), id);
    }

    /** The answer to a ping of the client's. */
    public static Frame pong(JsonNode id) {
        return frame(action("pong"), id);
    }

    public static Frame error(ErrorCode code, String message, @Nullable JsonNode id) {
        return frame(action("error").put("code", code.code()).put("message", message), id);
    }

    public static Frame error(ErrorCode code, String message, String channel, @Nullable JsonNode id) {
        return frame(
                action("error").put("code", code.code()).put("message", message).put("channel", channel), id);
    }

    private static ObjectNode action(String action) {
        return JsonNodeFactory.instance.objectNode().put("action", action);
    }

    private static Frame frame(ObjectNode message, @Nullable JsonNode id) {
        if (id != null) {
            message.set("id", id);
        }
        return Frame.text(message.toString());
    }
}
