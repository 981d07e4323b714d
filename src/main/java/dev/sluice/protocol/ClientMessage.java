package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.Position;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a client said. Where there is an {@code id}, it is the client's own and goes back with the answer. */
public sealed interface ClientMessage {

    /** As how many frames it counts: one that asks for many things is answered as many times. */
    default int weight() {
        return 1;
    }

    /**
     * Here is my token.
     *
     * @param since the last position that the client holds, from which it resumes its user's channels
     */
    record Auth(
            String token,
            @Nullable Position since,
            @Nullable JsonNode id) implements ClientMessage {}

    /**
     * I want to hear these channels; at least one, not yet looked at.
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

    /** I no longer want to hear these channels; at least one, not yet looked at. */
    record Unsubscribe(List<String> channels, @Nullable JsonNode id) implements ClientMessage {
        @Override
        public int weight() {
            return channels.size();
        }
    }

    /** The answer to a heartbeat of the server. */
    record Pong() implements ClientMessage {}

    /** A sign of life that asks for one in return: whether this connection still works. */
    record Ping(JsonNode id) implements ClientMessage {}

    /** A JSON object that makes no sense. */
    record InvalidMessage(
            ErrorCode code, String message, @Nullable JsonNode id) implements ClientMessage {}

    /** Not even a JSON object. */
    record NotAnObject() implements ClientMessage {}
}
