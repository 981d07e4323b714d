package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.Position;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A message of a client. If it has an {@code id}, the answer repeats it. */
public sealed interface ClientMessage {

    /** The number of frames that the message counts as: one for each answer. */
    default int weight() {
        return 1;
    }

    /**
     * Authenticates, or renews the token.
     *
     * @param since the last position that the client holds, from which it resumes its user's channels
     */
    record Auth(
            String token,
            @Nullable Position since,
            @Nullable JsonNode id) implements ClientMessage {}

    /**
     * Subscribes to channels; the list has at least one, not validated yet.
     *
     * @param retained whether the retained publication of each is wanted as well
     * @param since the last position that the client holds, from which it resumes these channels
     */
    record Subscribe(
            List<String> channels,
            boolean retained,
            @Nullable Position since,
            @Nullable JsonNode id) implements ClientMessage {
        @Override
        public int weight() {
            return channels.size();
        }
    }

    /** Unsubscribes from channels; the list has at least one, not validated yet. */
    record Unsubscribe(List<String> channels, @Nullable JsonNode id) implements ClientMessage {
        @Override
        public int weight() {
            return channels.size();
        }
    }

    /** The answer to a heartbeat of the server. */
    record Pong() implements ClientMessage {}

    /** A request for a {@code pong}, to test the connection. */
    record Ping(JsonNode id) implements ClientMessage {}

    /** An invalid JSON object. */
    record InvalidMessage(
            ErrorCode code, String message, @Nullable JsonNode id) implements ClientMessage {}

    /** Not a JSON object. */
    record NotAnObject() implements ClientMessage {}
}
