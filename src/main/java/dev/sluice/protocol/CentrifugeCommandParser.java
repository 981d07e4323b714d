package dev.sluice.protocol;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.protocol.ClientMessage.Connect;
import dev.sluice.protocol.ClientMessage.History;
import dev.sluice.protocol.ClientMessage.InvalidMessage;
import dev.sluice.protocol.ClientMessage.Ping;
import dev.sluice.protocol.ClientMessage.Pong;
import dev.sluice.protocol.ClientMessage.Presence;
import dev.sluice.protocol.ClientMessage.Refresh;
import dev.sluice.protocol.ClientMessage.Subscribe;
import dev.sluice.protocol.ClientMessage.Unsubscribe;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parses the commands of Centrifugo's SDKs, of which a frame has one a line. Every input gives messages, never an
 * exception. A command that can't be answered, because it has no valid id, gives an {@link InvalidMessage} without one,
 * and the lines after it are ignored.
 */
final class CentrifugeCommandParser {

    /** More than a client has subscriptions by default. */
    static final int MAX_COMMANDS = 1024;

    /** Deeper than any command of the SDKs, whose {@code data} and filters are skipped. */
    private static final int MAX_DEPTH = 64;

    /** Several times as many as any command needs. */
    private static final int MAX_TOKENS = 4096;

    /** The most own channels that a client names a position of. */
    private static final int MAX_POSITIONS = 64;

    private static final long MAX_ID = 0xFFFF_FFFFL;

    /** The bit of {@code flag} by which a client wants an error rather than a subscription that is not recovered. */
    private static final int REJECT_UNRECOVERED = 2;

    /** The fields that are read, of all commands; the values of others are skipped. */
    private static final Set<String> FIELDS = Set.of(
            "token",
            "subs",
            "channel",
            "recover",
            "epoch",
            "offset",
            "flag",
            "type",
            "limit",
            "since",
            "reverse",
            "join_leave");

    private static final Set<String> METHODS = Set.of(
            "connect",
            "refresh",
            "subscribe",
            "unsubscribe",
            "ping",
            "history",
            "presence",
            "presence_stats",
            "send",
            "publish",
            "rpc",
            "sub_refresh");

    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxTokenCount(MAX_TOKENS)
                    .build())
            // Clients choose the names, so none may be cached.
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build());

    /** A command whose values have a wrong type or range. */
    private static final class BadValue extends Exception {
        private static final long serialVersionUID = 1;

        BadValue(String message) {
            super(message, null, false, false);
        }
    }

    private CentrifugeCommandParser() {}

    /** Reads one text frame; the list has at least one message. */
    static List<ClientMessage> parse(String text) {
        List<ClientMessage> messages = new ArrayList<>(1);
        for (int start = 0; start < text.length(); ) {
            int end = text.indexOf('\n', start);
            String line = text.substring(start, end < 0 ? text.length() : end);
            start = end < 0 ? text.length() : end + 1;
            if (line.isBlank()) {
                continue;
            }
            ClientMessage message =
                    messages.size() < MAX_COMMANDS ? command(line) : unanswerable("too many commands in one frame");
            messages.add(message);
            if (message instanceof InvalidMessage invalid && invalid.id() == null) {
                break;
            }
        }
        return messages.isEmpty() ? List.of(unanswerable("no command")) : messages;
    }

    private static ClientMessage command(String line) {
        JsonNode id = null;
        String method = null;
        String unknown = null;
        JsonNode parameters = null;
        boolean several = false;
        try (JsonParser parser = JSON.createParser(line)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return unanswerable("a command is a JSON object");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (name.equals("id")) {
                    id = scalar(parser);
                } else if (METHODS.contains(name)) {
                    several |= method != null;
                    method = name;
                    parameters = value == JsonToken.START_OBJECT ? object(parser) : scalar(parser);
                } else {
                    unknown = name;
                    parser.skipChildren();
                }
            }
            if (parser.nextToken() != null) {
                return unanswerable("a line has one command");
            }
        } catch (StreamConstraintsException | NumberFormatException | ArithmeticException e) {
            return unanswerable("the command is nested too deep, has too many values or too large a number");
        } catch (IOException e) {
            return unanswerable("a command is a JSON object");
        }
        if (id == null && method == null && unknown == null) {
            return new Pong();
        }
        if (id == null && "send".equals(method)) {
            return new InvalidMessage(ErrorCode.UNKNOWN_ACTION, "messages of clients are not available", null);
        }
        if (id == null || !isId(id)) {
            return unanswerable("a command needs an id from 1 to 4294967295");
        }
        if (method == null && unknown != null) {
            return new InvalidMessage(ErrorCode.UNKNOWN_ACTION, "not available", id);
        }
        if (method == null || several || !(parameters instanceof ObjectNode object)) {
            return new InvalidMessage(ErrorCode.BAD_MESSAGE, "a command needs one method, which is an object", id);
        }
        try {
            return command(method, object, id);
        } catch (BadValue e) {
            return new InvalidMessage(ErrorCode.BAD_MESSAGE, String.valueOf(e.getMessage()), id);
        }
    }

    private static ClientMessage command(String method, ObjectNode of, JsonNode id) throws BadValue {
        return switch (method) {
            case "connect" -> {
                String token = text(of, "token");
                yield connect(token.isEmpty() ? null : token, of.get("subs"), id);
            }
            case "refresh" -> new Refresh(needed(of, "token"), id);
            case "subscribe" -> {
                // Other types are maps and polled channels.
                if (number(of, "type") != 0) {
                    yield new InvalidMessage(ErrorCode.UNKNOWN_ACTION, "only channels are available", id);
                }
                boolean strict = (number(of, "flag") & REJECT_UNRECOVERED) != 0;
                boolean presence = flag(of, "join_leave");
                yield new Subscribe(List.of(channel(of)), false, since(of), strict, id, entry(of), presence);
            }
            case "unsubscribe" -> new Unsubscribe(List.of(channel(of)), id);
            case "ping" -> new Ping(id);
            case "history" -> {
                JsonNode since = of.get("since");
                if (since != null && !since.isNull() && !since.isObject()) {
                    throw new BadValue("since must be an object");
                }
                Position from = since instanceof ObjectNode given ? position(given) : null;
                yield new History(channel(of), (int) Math.max(-1, limit(of)), from, flag(of, "reverse"), id);
            }
            case "presence" -> new Presence(channel(of), false, id);
            case "presence_stats" -> new Presence(channel(of), true, id);
            default -> new InvalidMessage(ErrorCode.UNKNOWN_ACTION, "not available", id);
        };
    }

    private static Connect connect(@Nullable String token, @Nullable JsonNode subs, JsonNode id) throws BadValue {
        if (subs == null || subs.isNull()) {
            return new Connect(token, Map.of(), id);
        }
        if (!subs.isObject() || subs.size() > MAX_POSITIONS) {
            throw new BadValue("subs must be an object of at most " + MAX_POSITIONS + " channels");
        }
        Map<String, Position> positions = new HashMap<>();
        Map<String, EntryId> entries = new HashMap<>();
        for (Map.Entry<String, JsonNode> sub : subs.properties()) {
            Position since = sub.getValue() instanceof ObjectNode given ? since(given) : null;
            EntryId entry = sub.getValue() instanceof ObjectNode given ? entry(given) : null;
            if (since != null) {
                positions.put(sub.getKey(), since);
            }
            if (entry != null) {
                entries.put(sub.getKey(), entry);
            }
        }
        return new Connect(token, positions, entries, id);
    }

    /** Returns the entry that a client names as its last one; {@code null} if it names none. */
    private static @Nullable EntryId entry(ObjectNode of) throws BadValue {
        return flag(of, "recover") ? EntryOffset.parse(text(of, "epoch"), offset(of)) : null;
    }

    private static @Nullable Position since(ObjectNode of) throws BadValue {
        return flag(of, "recover") ? position(of) : null;
    }

    /** Returns the position, {@link Position#NOWHERE} if it is none of Sluice. */
    private static Position position(ObjectNode of) throws BadValue {
        long offset = offset(of);
        String epoch = text(of, "epoch");
        try {
            return Position.withoutNonce(Era.parse(epoch), offset);
        } catch (IllegalArgumentException e) {
            return Position.NOWHERE;
        }
    }

    /** Returns the offset, -1 if it is larger than any of Sluice. */
    private static long offset(ObjectNode of) throws BadValue {
        JsonNode offset = of.get("offset");
        if (offset == null || offset.isNull()) {
            return 0;
        }
        if (!offset.isIntegralNumber() || offset.bigIntegerValue().signum() < 0) {
            throw new BadValue("offset must be an integer of at least 0");
        }
        return offset.canConvertToLong() ? offset.longValue() : -1;
    }

    private static String channel(ObjectNode of) throws BadValue {
        return needed(of, "channel");
    }

    private static String needed(ObjectNode of, String name) throws BadValue {
        String text = text(of, name);
        if (text.isEmpty()) {
            throw new BadValue(name + " is needed");
        }
        return text;
    }

    private static String text(ObjectNode of, String name) throws BadValue {
        JsonNode value = of.get(name);
        if (value == null || value.isNull()) {
            return "";
        }
        if (!value.isTextual()) {
            throw new BadValue(name + " must be a string");
        }
        return value.textValue();
    }

    private static boolean flag(ObjectNode of, String name) throws BadValue {
        JsonNode value = of.get(name);
        if (value == null || value.isNull()) {
            return false;
        }
        if (!value.isBoolean()) {
            throw new BadValue(name + " must be true or false");
        }
        return value.booleanValue();
    }

    private static long limit(ObjectNode of) throws BadValue {
        return Math.min(number(of, "limit"), Integer.MAX_VALUE);
    }

    private static long number(ObjectNode of, String name) throws BadValue {
        JsonNode value = of.get(name);
        if (value == null || value.isNull()) {
            return 0;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw new BadValue(name + " must be an integer");
        }
        return value.longValue();
    }

    /** Reads the known fields of an object, and of those in it. */
    private static ObjectNode object(JsonParser parser) throws IOException {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            JsonToken value = parser.nextToken();
            if (!FIELDS.contains(name)) {
                parser.skipChildren();
            } else if (value == JsonToken.START_OBJECT && name.equals("subs")) {
                object.set(name, subs(parser));
            } else if (value == JsonToken.START_OBJECT && name.equals("since")) {
                object.set(name, object(parser));
            } else {
                object.set(name, scalar(parser));
            }
        }
        return object;
    }

    private static ObjectNode subs(JsonParser parser) throws IOException {
        ObjectNode subs = JsonNodeFactory.instance.objectNode();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            boolean read = parser.nextToken() == JsonToken.START_OBJECT && subs.size() <= MAX_POSITIONS;
            if (read) {
                subs.set(name, object(parser));
            } else {
                parser.skipChildren();
            }
        }
        return subs;
    }

    /** Reads a value; returns an empty array for an array or object, which no field may be. */
    private static JsonNode scalar(JsonParser parser) throws IOException {
        if (parser.currentToken().isStructStart()) {
            parser.skipChildren();
            return JsonNodeFactory.instance.arrayNode();
        }
        return JSON.readTree(parser);
    }

    private static boolean isId(@Nullable JsonNode id) {
        return id != null
                && id.isIntegralNumber()
                && id.canConvertToLong()
                && id.longValue() > 0
                && id.longValue() <= MAX_ID;
    }

    private static InvalidMessage unanswerable(String why) {
        return new InvalidMessage(ErrorCode.BAD_MESSAGE, why, null);
    }
}
