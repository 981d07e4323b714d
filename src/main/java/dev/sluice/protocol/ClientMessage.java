package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A message of a client. If it has an {@code id}, the answer repeats it. */
public sealed interface ClientMessage {

    /** The number of frames that the message counts as: one for each answer. */
    default int weight() {
        return 1;
    }

    /**
     * Reads what a client of version 2 has received from the parameters of its upgrade request, which are as in an auth
     * message.
     *
     * @throws IllegalArgumentException where they are invalid
     */
    static @Nullable Since since(@Nullable String since, @Nullable String ids) {
        return ClientMessageParser.since(since, ids);
    }

    /**
     * Authenticates, or renews the token.
     *
     * @param since what the client has of its user's channels, which it resumes
     */
    record Auth(
            String token, @Nullable Since since, @Nullable JsonNode id) implements ClientMessage {}

    /**
     * Authenticates a client of Centrifugo's.
     *
     * @param token {@code null} where the upgrade request is to have it
     * @param since the last position that the client holds of each of its user's channels
     * @param entries as {@code since}, of channels that are read from streams
     */
    record Connect(@Nullable String token, Map<String, Position> since, Map<String, EntryId> entries, JsonNode id)
            implements ClientMessage {

        public Connect(@Nullable String token, Map<String, Position> since, JsonNode id) {
            this(token, since, Map.of(), id);
        }
    }

    /** Renews the token of a client of Centrifugo's. */
    record Refresh(String token, JsonNode id) implements ClientMessage {}

    /**
     * Subscribes to channels; the list has at least one, not validated yet.
     *
     * @param retained whether the retained publication of each is wanted as well
     * @param since the last position that the client holds, from which it resumes these channels
     * @param strict whether the client wants an error rather than a subscription that is not recovered
     * @param entry as {@code since}, of channels that are read from streams
     * @param presence whether the client wants to be told which users join and leave
     */
    record Subscribe(
            List<String> channels,
            boolean retained,
            @Nullable Position since,
            boolean strict,
            @Nullable JsonNode id,
            @Nullable EntryId entry,
            boolean presence)
            implements ClientMessage {

        public Subscribe(List<String> channels, boolean retained, @Nullable Position since, @Nullable JsonNode id) {
            this(channels, retained, since, false, id);
        }

        public Subscribe(
                List<String> channels,
                boolean retained,
                @Nullable Position since,
                boolean strict,
                @Nullable JsonNode id) {
            this(channels, retained, since, strict, id, null, false);
        }

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

    /**
     * Asks for what the history has of a channel.
     *
     * @param limit the most publications; -1 for no limit
     * @param since only publications after it, or, where {@code reverse}, before it
     * @param reverse whether the newest come first
     */
    record History(String channel, int limit, @Nullable Position since, boolean reverse, JsonNode id)
            implements ClientMessage {}

    /** Asks who hears a channel; with {@code stats} only for the numbers. */
    record Presence(String channel, boolean stats, @Nullable JsonNode id) implements ClientMessage {}

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
