package dev.sluice.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
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
 * keeps between connections. It resumes from the last position that covers all its channels, or from the last entry of a
 * channel that is a stream, and detects duplicates.
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
    /** The last entries of channels that are streams. */
    private final Map<String, String> entries = new HashMap<>();

    /** The channels that it requested to resume on the newest connection. */
    private final Set<String> resuming = new HashSet<>();

    private Optional<String> position = Optional.empty();

    /** @param channels the client's subscriptions in addition to the user's own channel */
    public ResumingClient(String user, Collection<String> channels) {
        this.user = user;
        this.channels = new TreeSet<>(channels);
        expectAnswers();
    }

    /** Returns the messages to send on a new connection. */
    public List<String> opened(String token) {
        expectAnswers();
        resuming.clear();
        resuming.addAll(position.isPresent() ? unanswered : entries.keySet());
        ObjectNode authentication = JSON.createObjectNode().put("type", "auth").put("token", token);
        ObjectNode subscription = JSON.createObjectNode().put("action", "subscribe");
        ArrayNode list = subscription.putArray("channels");
        channels.stream().filter(channel -> !entries.containsKey(channel)).forEach(list::add);
        position.ifPresent(since -> {
            authentication.put("since", since);
            subscription.put("since", since);
        });
        List<String> messages = new ArrayList<>(List.of(authentication.toString()));
        if (!list.isEmpty()) {
            messages.add(subscription.toString());
        }
        entries.forEach((channel, since) -> messages.add(JSON.createObjectNode()
                .put("action", "subscribe")
                .put("channel", channel)
                .put("since", since)
                .toString()));
        return messages;
    }

    /** Handles a text frame. */
    public Frame heard(String text) {
        int end = text.indexOf(HEADER_END);
        Frame frame = end < 0 ? control(text) : publication(parse(text.substring(0, end)), text.substring(end + 1));
        JsonNode at = frame.header().path("at");
        if (at.isTextual() && isEntry(at.asText())) {
            entries.put(frame.channel(), at.asText());
        } else if (at.isTextual() && unanswered.isEmpty()) {
            position = Optional.of(at.asText());
        }
        return frame;
    }

    /** Returns the position to resume from, if there is one. */
    public Optional<String> position() {
        return position;
    }

    /** Whether it requested to resume the channel on the newest connection, so that the answer states the result. */
    public boolean isResuming(String channel) {
        return resuming.contains(channel);
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
            if (entries.remove(frame.channel()) == null) {
                position = Optional.empty();
            }
        }
        return frame;
    }

    private Frame publication(JsonNode header, String payload) {
        String channel = header.path("channel").asText();
        if (header.has("id")) {
            String id = header.path("id").asText();
            String last = entries.get(channel);
            boolean again = last != null && !isLater(id, last);
            if (!again) {
                entries.put(channel, id);
            }
            return new Frame(header, Optional.of(payload), again);
        }
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

    private static boolean isEntry(String position) {
        return position.indexOf('-') > 0 && position.indexOf('.') < 0;
    }

    private static boolean isLater(String id, String last) {
        int order = Long.compareUnsigned(millis(id), millis(last));
        return order > 0 || (order == 0 && Long.compareUnsigned(number(id), number(last)) > 0);
    }

    private static long millis(String id) {
        return Long.parseUnsignedLong(id.substring(0, id.indexOf('-')));
    }

    private static long number(String id) {
        return Long.parseUnsignedLong(id.substring(id.indexOf('-') + 1));
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
