package dev.sluice.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The logic of a {@code sluice.v2} client without its socket: the messages of a new connection, and the state that it
 * keeps between connections. It resumes from the last position that covers all its channels, and detects duplicates.
 * Not thread-safe.
 */
public final class ResumingClient {

    public static final String SUBPROTOCOL = "sluice.v2";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final char HEADER_END = '\n';

    /**
     * A frame from the server.
     *
     * @param header the JSON object before the line feed of a publication, or the whole frame
     * @param payload of a publication; empty for other frames
     * @param repeated whether the client has had this publication already, and drops it
     */
    public record Frame(JsonNode header, Optional<String> payload, boolean repeated) {

        public String action() {
            return header.path("action").asText();
        }

        /** The channel of the frame; for {@code auth_success}, the user's own channel. */
        public String channel() {
            return action().equals("auth_success")
                    ? "user:" + header.path("user_id").asText()
                    : header.path("channel").asText();
        }

        /** Whether the frame answers a subscription, including that of the user's own channel. */
        public boolean isAnswer() {
            return action().equals("subscribed") || action().equals("auth_success");
        }

        /** Whether the frame confirms that the channel was resumed. */
        public boolean isRecovered() {
            return header.path("recovered").asBoolean();
        }

        /** Whether the frame refuses to resume the channel. */
        public boolean isRefused() {
            return header.has("recovered") && !isRecovered();
        }
    }

    private final String user;
    private final Set<String> channels;
    private final Set<String> unanswered = new HashSet<>();
    private final Map<String, String> lastOfChannel = new HashMap<>();
    private Optional<String> position = Optional.empty();
    private boolean resuming;

    /** @param channels the client's subscriptions in addition to the user's own channel */
    public ResumingClient(String user, Collection<String> channels) {
        this.user = user;
        this.channels = new TreeSet<>(channels);
        expectAnswers();
    }

    /** Returns the messages to send on a new connection. */
    public List<String> opened(String token) {
        expectAnswers();
        resuming = position.isPresent();
        ObjectNode authentication = JSON.createObjectNode().put("type", "auth").put("token", token);
        ObjectNode subscription = JSON.createObjectNode().put("action", "subscribe");
        ArrayNode list = subscription.putArray("channels");
        channels.forEach(list::add);
        position.ifPresent(since -> {
            authentication.put("since", since);
            subscription.put("since", since);
        });
        return channels.isEmpty()
                ? List.of(authentication.toString())
                : List.of(authentication.toString(), subscription.toString());
    }

    /** Handles a text frame. */
    public Frame heard(String text) {
        int end = text.indexOf(HEADER_END);
        Frame frame = end < 0 ? control(text) : publication(parse(text.substring(0, end)), text.substring(end + 1));
        JsonNode at = frame.header().path("at");
        if (at.isTextual() && unanswered.isEmpty()) {
            position = Optional.of(at.asText());
        }
        return frame;
    }

    /** Returns the position to resume from, if there is one. */
    public Optional<String> position() {
        return position;
    }

    /** Whether it requested to resume on the newest connection, so that each answer states the result. */
    public boolean isResuming() {
        return resuming;
    }

    /** Whether all subscriptions of the newest connection have been answered. */
    public boolean isAnswered() {
        return unanswered.isEmpty();
    }

    private void expectAnswers() {
        unanswered.addAll(channels);
        unanswered.add("user:" + user);
    }

    private Frame control(String text) {
        Frame frame = new Frame(parse(text), Optional.empty(), false);
        if (frame.isAnswer()) {
            unanswered.remove(frame.channel());
        }
        if (frame.isRefused() || frame.action().equals("gap")) {
            position = Optional.empty();
        }
        return frame;
    }

    private Frame publication(JsonNode header, String payload) {
        String channel = header.path("channel").asText();
        String own = header.path(header.has("at") ? "at" : "pos").asText();
        boolean repeated = !own.isEmpty() && !isAbove(own, lastOfChannel.get(channel));
        if (!own.isEmpty() && !repeated) {
            lastOfChannel.put(channel, own);
        }
        return new Frame(header, Optional.of(payload), repeated);
    }

    /** Positions of different eras can't be compared; the era that arrives later is newer. */
    private static boolean isAbove(String position, @Nullable String last) {
        return last == null || !era(position).equals(era(last)) || offset(position) > offset(last);
    }

    private static String era(String position) {
        return position.substring(0, position.indexOf('.'));
    }

    private static long offset(String position) {
        int dot = position.indexOf('.');
        return Long.parseLong(position.substring(dot + 1, position.indexOf('.', dot + 1)));
    }

    private static JsonNode parse(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON: " + text, e);
        }
    }
}
