package dev.sluice.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.harness.EventParser;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.ClientMessage.InvalidMessage;
import dev.sluice.protocol.ClientMessage.NotAnObject;
import dev.sluice.route.Channel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Compares the AsyncAPI document with the messages that Sluice reads and writes. */
class AsyncApiTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Channel UPLOAD = TestOutboxFactory.channel("upload:1");
    private static final Position AT = Position.of(new Era(0x18f3c, 0x9a1b), 1, 3, 7);
    private static final Map<String, Dialect> DIALECTS = Map.of("V1", Dialect.V1, "V2", Dialect.V2);

    private final AsyncApi api;

    AsyncApiTest() throws IOException {
        api = AsyncApi.read();
    }

    @Test
    void versionIsTheProjects() throws IOException {
        assertThat(Files.readString(Path.of("pom.xml")))
                .contains("<artifactId>sluice</artifactId>\n  <version>"
                        + api.document().path("info").path("version").asText() + "</version>");
    }

    @Test
    void everyReferenceLeadsSomewhere() {
        assertThat(AsyncApi.references(api.document())).hasSizeGreaterThan(50).allSatisfy(api::at);
    }

    @Test
    void examplesConformToTheirSchemas() {
        JsonNode messages = api.document().path("components").path("messages");
        assertThat(messages).isNotEmpty();
        messages.fieldNames().forEachRemaining(name -> {
            JsonNode examples = messages.path(name).path("examples");
            assertThat(examples).as(name).isNotEmpty();
            examples.forEach(example -> api.assertConforms(
                    "#/components/messages/" + name, example.path("payload"), example.get("headers")));
        });
    }

    @Test
    void sluiceReadsTheExamplesOfClients() {
        DIALECTS.forEach((version, dialect) -> api.messages("receive" + version)
                .values()
                .forEach(message -> api.at(message)
                        .path("examples")
                        .forEach(example -> assertThat(
                                        dialect.parse(example.path("payload").toString()))
                                .as("%s", example)
                                .noneMatch(read -> read instanceof InvalidMessage || read instanceof NotAnObject))));
    }

    @Test
    void documentHasEveryMessageOfTheServer() {
        DIALECTS.forEach((version, dialect) -> {
            String operation = "send" + version;
            sent(dialect).forEach(message -> api.assertDocumented(operation, json(message), null));
            for (boolean complete : new boolean[] {true, false}) {
                byte[] frame = dialect.encode(UPLOAD, payload("{}"), complete);
                String text = new String(Objects.requireNonNull(frame), StandardCharsets.UTF_8);
                int end = text.indexOf('\n');
                api.assertPublication(
                        operation, json(text.substring(end + 1)), end < 0 ? null : json(text.substring(0, end)));
            }
            byte[] entry = Objects.requireNonNull(
                    dialect.encode(UPLOAD, Payload.ofEntry(1, new EntryId(1, 0), new byte[] {'1'}, 0), true));
            String text = new String(entry, StandardCharsets.UTF_8);
            int end = text.indexOf('\n');
            api.assertPublication(
                    operation, json(text.substring(end + 1)), end < 0 ? null : json(text.substring(0, end)));
            assertThat(api.compared()).containsAll(api.messages(operation).values());
        });
    }

    private static List<String> sent(Dialect dialect) {
        List<@Nullable Frame> frames = new ArrayList<>();
        for (Start start : List.of(Start.UNKNOWN, new Start(true, AT, AT), new Start(false, AT, AT))) {
            frames.add(dialect.authSuccess(welcome(start), null));
            frames.add(dialect.renewed(welcome(start), new TextNode("refresh")));
            frames.add(dialect.subscribed(UPLOAD, false, start, null));
            frames.add(dialect.subscribed(UPLOAD, true, start, new IntNode(1)));
        }
        frames.add(dialect.authError(Refusal.TOKEN, "no", null));
        frames.add(dialect.unsubscribed("upload:1", null));
        frames.add(dialect.unsubscribed("no channel", new IntNode(1)));
        frames.add(dialect.gap(Instant.EPOCH, null));
        frames.add(dialect.gap(Instant.EPOCH, Instant.now()));
        frames.add(dialect.gap(UPLOAD, Instant.EPOCH, Instant.now()));
        frames.add(dialect.authSuccess(welcome(Start.UNKNOWN.with(true, Map.of(UPLOAD, new EntryId(1, 0)), AT)), null));
        frames.add(dialect.mark(AT));
        if (dialect.tag().equals("v2")) {
            for (Long count : Arrays.asList(null, 3L)) {
                PresentUsers users = new PresentUsers("upload:1", "fleet", count, 2, List.of("7", "8"), true);
                frames.add(dialect.presence(users, null));
            }
            frames.add(dialect.presenceChanged(UPLOAD, "7", true));
            frames.add(dialect.presenceChanged(UPLOAD, "7", false));
        }
        frames.add(dialect.heartbeat().get(0));
        frames.add(dialect.pong(new TextNode("1")));
        Arrays.stream(ErrorCode.values())
                // Only clients of Centrifugo get these.
                .filter(code -> code != ErrorCode.ALREADY_SUBSCRIBED && code != ErrorCode.UNRECOVERABLE)
                .forEach(code -> {
                    frames.add(dialect.error(code, "why", null));
                    frames.add(dialect.error(code, "why", "team:red", new IntNode(1)));
                });
        List<String> texts = new ArrayList<>(frames.stream()
                .filter(Objects::nonNull)
                .map(frame -> new String(((Frame.Text) frame).utf8(), StandardCharsets.UTF_8))
                .toList());
        texts.add(new String(dialect.missed(UPLOAD, 3), StandardCharsets.UTF_8));
        return texts;
    }

    @Test
    void documentHasEveryEventOfAStream() {
        EventParser parser = new EventParser();
        List<byte[]> frames = new ArrayList<>();
        for (Boolean recovered : Arrays.asList(null, true, false)) {
            frames.add(utf8(Dialect.EVENTS.authSuccess(welcome(new Start(recovered, AT, AT)), null)));
        }
        frames.add(utf8(Dialect.EVENTS.gap(Instant.EPOCH, null)));
        frames.add(utf8(Dialect.EVENTS.unsubscribed("upload:1", null)));
        frames.add(Dialect.EVENTS.missed(UPLOAD, 3));
        for (Disconnect reason : Disconnect.values()) {
            frames.add(utf8(Dialect.EVENTS.closeFor(reason).last()));
        }
        frames.add(Dialect.EVENTS.encode(UPLOAD, payload("{\"n\":\n1}"), true));
        frames.add(Dialect.NAMED_EVENTS.encode(UPLOAD, payload("{}"), false));
        for (byte[] frame : frames) {
            for (EventParser.Event event : parser.parse(frame, frame.length)) {
                ObjectNode headers = JsonNodeFactory.instance.objectNode();
                headers.put("event", event.type());
                if (!event.lastEventId().isEmpty()) {
                    headers.put("id", event.lastEventId());
                }
                if (event.type().equals("sluice")) {
                    headers.remove("id");
                    api.assertDocumented("sendEvents", json(event.data()), headers);
                } else {
                    api.assertPublication("sendEvents", new TextNode(event.data()), headers);
                }
            }
        }
        assertThat(api.compared())
                .containsExactlyInAnyOrderElementsOf(api.messages("sendEvents").values());
    }

    private static Welcome welcome(Start start) {
        return new Welcome("1", "7", Long.MAX_VALUE, 25, List.of(UPLOAD), start, Map.of());
    }

    private static Payload payload(String text) {
        return Payload.of(1, AT, text.getBytes(StandardCharsets.US_ASCII), 0);
    }

    private static byte[] utf8(@Nullable Frame frame) {
        if (frame instanceof Frame.Mark mark) {
            ByteArrayOutputStream both = new ByteArrayOutputStream();
            both.writeBytes(mark.message());
            both.writeBytes(mark.position());
            return both.toByteArray();
        }
        return ((Frame.Text) Objects.requireNonNull(frame)).utf8();
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new AssertionError(text, e);
        }
    }
}
