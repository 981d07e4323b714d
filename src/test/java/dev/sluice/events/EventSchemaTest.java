package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.sluice.http.ProblemException;
import jakarta.validation.Validation;
import jakarta.validation.ValidatorFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Compares the JSON schema of events with what the HTTP API accepts. */
class EventSchemaTest {

    private static final ValidatorFactory VALIDATORS = Validation.buildDefaultValidatorFactory();
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What replaces each value in turn. */
    private static final String OTHERS = """
            [null, "", " ", "\\t", "\\u00a0", "x", "42", "pending", "queued", "completed", "upload_failed", "batch_progress",
             "2026-11-24", "2026-11-24T12:00", "2026-11-24T12:00:00+01:00", "12:00", 0, -1, 1, 99.5, 100, 100.01, 101,
             9223372036854775807, 9223372036854775808, true, false, [], ["x"], {}, {"x": 1}]""";

    private final EventJson json = new EventJson(VALIDATORS.getValidator());
    private final JsonNode document;
    private final JsonSchema schema;

    EventSchemaTest() throws IOException {
        document = JSON.readTree(Files.readString(Path.of("docs/api/events.schema.json")));
        schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(document);
    }

    @AfterAll
    static void close() {
        VALIDATORS.close();
    }

    @Test
    void schemaAcceptsWhatTheApiAccepts() throws IOException {
        JsonNode examples = document.path("examples");
        assertThat(examples).hasSize(4);
        int accepted = 0;
        int refused = 0;
        for (JsonNode example : examples) {
            assertThat(accepts(example)).as("%s", example).isTrue();
            for (JsonNode variant : variants(example)) {
                boolean accepts = accepts(variant);
                assertThat(schema.validate(variant).isEmpty()).as("%s", variant).isEqualTo(accepts);
                accepted += accepts ? 1 : 0;
                refused += accepts ? 0 : 1;
            }
        }
        assertThat(accepted).isGreaterThan(50);
        assertThat(refused).isGreaterThan(500);
    }

    @Test
    void schemaHasEveryFieldOfTheEvents() throws IOException {
        for (JsonNode example : document.path("examples")) {
            JsonNode written = JSON.readTree(json.write(read(example).at(Instant.now())));
            assertThat(schema.validate(written)).isEmpty();
            JsonNode described =
                    document.path("$defs").path(written.path("action").asText());
            assertThat(names(written)).hasSameElementsAs(names(described.path("properties")));
            assertThat(names(written.path("payload")))
                    .hasSameElementsAs(
                            names(described.path("properties").path("payload").path("properties")));
        }
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** The event itself, without each field, with another value of each, and with an unknown field. */
    private static List<JsonNode> variants(JsonNode event) throws IOException {
        List<JsonNode> variants = new ArrayList<>(List.of(event));
        for (String path : List.of("", "/payload")) {
            if (!event.at(path).isObject()) {
                continue;
            }
            for (Iterator<String> fields = event.at(path).fieldNames(); fields.hasNext(); ) {
                String field = fields.next();
                variants.add(with(event, path, field, null));
                for (JsonNode other : (ArrayNode) JSON.readTree(OTHERS)) {
                    variants.add(with(event, path, field, other));
                }
            }
            variants.add(with(event, path, "unknown", JSON.readTree("1")));
            variants.add(with(event, path, "timestamp", JSON.readTree("null")));
        }
        return variants;
    }

    private static JsonNode with(JsonNode event, String path, String field, @Nullable JsonNode value) {
        JsonNode copy = event.deepCopy();
        ObjectNode object = (ObjectNode) copy.at(path);
        if (value == null) {
            object.remove(field);
        } else {
            object.set(field, value);
        }
        return copy;
    }

    private boolean accepts(JsonNode event) {
        try {
            read(event);
            return true;
        } catch (ProblemException e) {
            return false;
        }
    }

    private Event read(JsonNode event) {
        Reading<Event> reading = json.read(event.toString().getBytes(StandardCharsets.UTF_8), Event.class);
        reading.check(reading.event(), List.of());
        return reading.event();
    }
}
