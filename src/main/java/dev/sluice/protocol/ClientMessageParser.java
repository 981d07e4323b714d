package dev.sluice.protocol;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.clock.Since;
import dev.sluice.protocol.ClientMessage.Auth;
import dev.sluice.protocol.ClientMessage.InvalidMessage;
import dev.sluice.protocol.ClientMessage.NotAnObject;
import dev.sluice.protocol.ClientMessage.Ping;
import dev.sluice.protocol.ClientMessage.Pong;
import dev.sluice.protocol.ClientMessage.Subscribe;
import dev.sluice.protocol.ClientMessage.Unsubscribe;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Parses client messages. Every input gives a message, never an exception. */
final class ClientMessageParser {

    /** Deeper than any message needs to be. */
    private static final int MAX_DEPTH = 16;

    /** Several times as many as any message needs, including names, brackets and channels. */
    private static final int MAX_TOKENS = 2048;

    /** The known fields; the values of others are skipped. */
    private static final Set<String> FIELDS =
            Set.of("type", "token", "action", "id", "upload_id", "channel", "channels", "since", "ids", "presence");

    /** Each answer of a list repeats the id, so its length bounds what one frame makes Sluice send. */
    private static final int MAX_ID_LENGTH = 1024;

    /** Each entry of a list gets an answer, so its length is bounded as well. */
    private static final int MAX_CHANNELS = 256;

    private static final String INVALID_IDS = "ids must have the ID of an entry for each channel";

    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    // Clients choose the names, so none may be cached.
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .build())
            // Both settings together return a number given as id unchanged.
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private ClientMessageParser() {}

    /**
     * Reads one text frame.
     *
     * @param positions whether the client's protocol has positions; where not, it can't say {@code since}
     */
    static ClientMessage parse(String text, boolean positions) {
        JsonNode message;
        try (JsonParser parser = JSON.createParser(text)) {
            message = read(parser);
        } catch (StreamConstraintsException | NumberFormatException | ArithmeticException e) {
            // Too deep, too long, or a number out of range: valid JSON, but more than any message needs.
            return text.stripLeading().startsWith("{")
                    ? invalid("the message is nested too deep, has too many values or too large a number", null)
                    : new NotAnObject();
        } catch (IOException e) {
            return new NotAnObject();
        }
        if (message.isMissingNode()) {
            return new NotAnObject();
        }
        JsonNode id = present(message.get("id"));
        if (id != null && !isId(id)) {
            return invalid("id must be a string or number of at most " + MAX_ID_LENGTH + " characters", null);
        }
        Since resumes = null;
        if (positions) {
            try {
                resumes = since(present(message.get("since")), present(message.get("ids")));
            } catch (IllegalArgumentException e) {
                return invalid(String.valueOf(e.getMessage()), id);
            }
        }
        if (isText(message.get("type"), "auth")) {
            JsonNode token = message.get("token");
            return token != null && token.isTextual() && !token.textValue().isEmpty()
                    ? new Auth(token.textValue(), resumes, id)
                    : invalid("an auth message needs a token", id);
        }
        Position since = resumes == null ? null : resumes.position();
        EntryId entry = resumes == null ? null : resumes.entry();
        JsonNode action = message.get("action");
        if (action == null || !action.isTextual()) {
            return invalid("a message needs an action, or the type auth", id);
        }
        return switch (action.textValue()) {
            case "subscribe" -> subscribe(message, since, entry, positions, id);
            case "unsubscribe" -> channels(message, null, null, id, false);
            case "subscribe_upload" -> upload(message, since, entry, id, true);
            case "unsubscribe_upload" -> upload(message, null, null, id, false);
            case "presence" -> presence(message, positions, id);
            case "ping" -> id == null ? new Pong() : new Ping(id);
            case "pong" -> new Pong();
            default -> new InvalidMessage(ErrorCode.UNKNOWN_ACTION, "unknown action", id);
        };
    }

    /** Version 1 has no events of presence. */
    private static ClientMessage subscribe(
            JsonNode message,
            @Nullable Position since,
            @Nullable EntryId entry,
            boolean positions,
            @Nullable JsonNode id) {
        ClientMessage request = channels(message, since, entry, id, true);
        JsonNode presence = positions ? present(message.get("presence")) : null;
        if (presence == null || !(request instanceof Subscribe subscribe)) {
            return request;
        }
        return presence.isBoolean()
                ? new Subscribe(
                        subscribe.channels(), subscribe.retained(), since, false, id, entry, presence.booleanValue())
                : invalid("presence must be true or false", id);
    }

    /** Version 1 has no such action. */
    private static ClientMessage presence(JsonNode message, boolean positions, @Nullable JsonNode id) {
        if (!positions) {
            return new InvalidMessage(ErrorCode.UNKNOWN_ACTION, "unknown action", id);
        }
        JsonNode channel = message.get("channel");
        return channel != null && channel.isTextual()
                ? new ClientMessage.Presence(channel.textValue(), false, id)
                : invalid("presence needs a channel", id);
    }

    /** Reads the whole text, and keeps only known fields; returns a missing node if it is not one object. */
    private static JsonNode read(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return MissingNode.getInstance();
        }
        ObjectNode message = JsonNodeFactory.instance.objectNode();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            JsonToken value = parser.nextToken();
            if (!FIELDS.contains(name)) {
                parser.skipChildren();
            } else if (value == JsonToken.START_ARRAY && name.equals("channels")) {
                message.set(name, list(parser));
            } else if (value == JsonToken.START_OBJECT && name.equals("ids")) {
                message.set(name, ids(parser));
            } else {
                message.set(name, scalar(parser));
            }
        }
        return parser.nextToken() == null ? message : MissingNode.getInstance();
    }

    /** Reads the values of an array, up to one more than allowed. */
    private static ArrayNode list(JsonParser parser) throws IOException {
        ArrayNode values = JsonNodeFactory.instance.arrayNode();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (values.size() <= MAX_CHANNELS) {
                values.add(scalar(parser));
            } else {
                parser.skipChildren();
            }
        }
        return values;
    }

    /** Reads the values of an object, of which there are few. */
    private static ObjectNode ids(JsonParser parser) throws IOException {
        ObjectNode values = JsonNodeFactory.instance.objectNode();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            values.set(name, scalar(parser));
        }
        return values;
    }

    /** Reads a value; returns a missing node for an object or array. */
    private static JsonNode scalar(JsonParser parser) throws IOException {
        if (parser.currentToken().isStructStart()) {
            parser.skipChildren();
            return MissingNode.getInstance();
        }
        return JSON.readTree(parser);
    }

    /** The actions of the replaced system, whose clients would take a retained publication for a new one. */
    private static ClientMessage upload(
            JsonNode message,
            @Nullable Position since,
            @Nullable EntryId entry,
            @Nullable JsonNode id,
            boolean subscribe) {
        JsonNode upload = message.get("upload_id");
        return upload != null && upload.isTextual()
                ? change(List.of("upload:" + upload.textValue()), false, since, entry, id, subscribe)
                : invalid("upload_id must be a string", id);
    }

    private static ClientMessage channels(
            JsonNode message,
            @Nullable Position since,
            @Nullable EntryId entry,
            @Nullable JsonNode id,
            boolean subscribe) {
        JsonNode one = message.get("channel");
        JsonNode many = message.get("channels");
        if (one != null && many == null && one.isTextual()) {
            return change(List.of(one.textValue()), true, since, entry, id, subscribe);
        }
        if (one == null && many != null && many.isArray() && !many.isEmpty()) {
            if (many.size() > MAX_CHANNELS) {
                return invalid("channels must be at most " + MAX_CHANNELS, id);
            }
            List<String> names = new ArrayList<>(many.size());
            for (JsonNode name : many) {
                if (!name.isTextual()) {
                    return invalid("channels must be a list of strings", id);
                }
                names.add(name.textValue());
            }
            return change(names, true, since, entry, id, subscribe);
        }
        return invalid("give either a channel, or channels as a list of at least one", id);
    }

    private static ClientMessage change(
            List<String> channels,
            boolean retained,
            @Nullable Position since,
            @Nullable EntryId entry,
            @Nullable JsonNode id,
            boolean subscribe) {
        return subscribe
                ? new Subscribe(channels, retained, since, false, id, entry, false)
                : new Unsubscribe(channels, id);
    }

    private static InvalidMessage invalid(String why, @Nullable JsonNode id) {
        return new InvalidMessage(ErrorCode.BAD_MESSAGE, why, id);
    }

    /**
     * Reads what a client has received, as a request names it.
     *
     * @param ids JSON, as in a message
     * @throws IllegalArgumentException where it is anything else
     */
    static @Nullable Since since(@Nullable String since, @Nullable String ids) {
        JsonNode entries = null;
        if (ids != null) {
            JsonNode message;
            try (JsonParser parser = JSON.createParser("{\"ids\":" + ids + "}")) {
                message = read(parser);
            } catch (IOException | NumberFormatException | ArithmeticException e) {
                throw new IllegalArgumentException(INVALID_IDS, e);
            }
            entries = message.get("ids");
            if (entries == null) {
                throw new IllegalArgumentException(INVALID_IDS);
            }
        }
        return since(since == null ? null : JsonNodeFactory.instance.textNode(since), entries);
    }

    private static @Nullable Since since(@Nullable JsonNode given, @Nullable JsonNode ids) {
        Since since = given == null ? null : since(given);
        if (ids == null) {
            return since;
        }
        if (!ids.isObject()) {
            throw new IllegalArgumentException(INVALID_IDS);
        }
        Map<String, EntryId> entries = new HashMap<>();
        ids.properties().forEach(field -> {
            Since of = since(field.getValue());
            if (of.entry() == null) {
                throw new IllegalArgumentException(INVALID_IDS);
            }
            entries.put(Since.key(field.getKey()), of.entry());
        });
        return new Since(since == null ? null : since.position(), since == null ? null : since.entry(), entries);
    }

    private static Since since(JsonNode given) {
        try {
            Since since = given.isTextual() ? Since.parse(given.textValue()) : null;
            if (since != null && since.entries().isEmpty()) {
                return since;
            }
        } catch (IllegalArgumentException e) {
            // Refused below, like a value that is no text.
        }
        throw new IllegalArgumentException("since must be a position that Sluice has sent");
    }

    private static @Nullable JsonNode present(@Nullable JsonNode node) {
        return node == null || node.isNull() ? null : node;
    }

    private static boolean isText(@Nullable JsonNode node, String text) {
        return node != null && node.isTextual() && node.textValue().equals(text);
    }

    private static boolean isId(JsonNode id) {
        return (id.isTextual() || id.isNumber()) && id.asText().length() <= MAX_ID_LENGTH;
    }
}
