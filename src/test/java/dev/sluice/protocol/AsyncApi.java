package dev.sluice.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** The AsyncAPI document of the protocols. Remembers which messages it was compared with. */
public final class AsyncApi {

    private static final JsonSchemaFactory SCHEMAS = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);

    private final JsonNode document;
    private final Set<String> compared = new TreeSet<>();

    private AsyncApi(JsonNode document) {
        this.document = document;
    }

    public static AsyncApi read() throws IOException {
        return new AsyncApi(new YAMLMapper().readTree(Files.readString(Path.of("docs/api/asyncapi.yaml"))));
    }

    JsonNode document() {
        return document;
    }

    /** The names of the operation's messages, with their places in the components. */
    Map<String, String> messages(String operation) {
        Map<String, String> messages = new TreeMap<>();
        for (JsonNode reference : document.path("operations").path(operation).path("messages")) {
            String inChannel = reference.path("$ref").asText();
            JsonNode message = at(inChannel);
            assertThat(message.path("$ref").asText()).as(inChannel).startsWith("#/components/messages/");
            messages.put(
                    inChannel.substring(inChannel.lastIndexOf('/') + 1),
                    message.path("$ref").asText());
        }
        assertThat(messages).as(operation).isNotEmpty();
        return messages;
    }

    /** The messages of the operation that {@link #assertDocumented} has compared. */
    Set<String> compared() {
        return compared;
    }

    /** Asserts that the operation has a message for that action which describes this one, with all of its fields. */
    public void assertDocumented(String operation, JsonNode payload, @Nullable JsonNode headers) {
        List<String> matching = messages(operation).values().stream()
                .filter(message -> isOf(message, payload))
                .toList();
        assertThat(matching).as("%s of %s", payload, operation).hasSize(1);
        assertConforms(matching.get(0), payload, headers);
    }

    /** The same for a publication, with what precedes its payload. */
    public void assertPublication(String operation, JsonNode payload, @Nullable JsonNode headers) {
        assertConforms(Objects.requireNonNull(messages(operation).get("publication")), payload, headers);
    }

    /** Asserts that the schemas of the message allow these, and name all fields. */
    void assertConforms(String message, JsonNode payload, @Nullable JsonNode headers) {
        compared.add(message);
        assertValid(message + "/payload", payload);
        if (headers != null) {
            assertValid(message + "/headers", headers);
        }
    }

    private boolean isOf(String message, JsonNode payload) {
        JsonNode properties = schema(message + "/payload").path("properties");
        return List.of("type", "action").stream()
                .anyMatch(key ->
                        payload.has(key) && properties.path(key).path("const").equals(payload.get(key)));
    }

    private void assertValid(String schema, JsonNode value) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.set("components", document.path("components"));
        root.put("$ref", schema);
        assertThat(SCHEMAS.getSchema(root).validate(value))
                .as("%s against %s", value, schema)
                .isEmpty();
        JsonNode properties = schema(schema).path("properties");
        if (!properties.isMissingNode()) {
            assertThat(value.fieldNames())
                    .toIterable()
                    .as("fields of %s", schema)
                    .allMatch(properties::has);
        }
    }

    private JsonNode schema(String reference) {
        JsonNode schema = at(reference);
        return schema.has("$ref") ? at(schema.path("$ref").asText()) : schema;
    }

    /** Resolves a reference within the document. */
    JsonNode at(String reference) {
        JsonNode found = document.at(reference.substring(1));
        assertThat(found.isMissingNode()).as(reference).isFalse();
        return found;
    }

    /** Returns all references of the document. */
    static List<String> references(JsonNode node) {
        List<String> own =
                node.path("$ref").isTextual() ? List.of(node.path("$ref").asText()) : List.of();
        return Stream.concat(
                        own.stream(),
                        StreamSupport.stream(node.spliterator(), false).flatMap(child -> references(child).stream()))
                .toList();
    }
}
