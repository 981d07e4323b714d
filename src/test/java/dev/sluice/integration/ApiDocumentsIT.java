package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.harness.Client;
import dev.sluice.harness.EventClient;
import dev.sluice.harness.EventParser.Event;
import dev.sluice.harness.Tokens;
import dev.sluice.protocol.AsyncApi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the documents in {@code docs/api} with what a pod serves and sends. */
class ApiDocumentsIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final ObjectMapper JSON = new ObjectMapper();

    private final AsyncApi api;

    ApiDocumentsIT() throws IOException {
        api = AsyncApi.read();
    }

    /** If it fails, copy {@code target/openapi.yaml}. */
    @Test
    void openApiDocumentIsTheServedOne() throws IOException {
        String served = Api.with(STAGE.pod(), "").get("/q/openapi").body();
        Files.writeString(Path.of("target/openapi.yaml"), served);
        assertThat(Path.of("docs/api/openapi.yaml")).hasContent(served);
    }

    @ParameterizedTest
    @ValueSource(strings = {"V1", "V2"})
    void messagesOfAConnectionAreDocumented(String version) throws IOException {
        String operation = "send" + version;
        String channel = "upload:" + Stage.upload();
        String protocol = "sluice." + version.toLowerCase(Locale.ROOT);
        STAGE.pod().awaitPositions();
        STAGE.redis().publish(channel, "{\"n\":1}");
        STAGE.pod().awaitHandled(STAGE.redis());
        try (Client refused = Client.connect(STAGE.pod().webSocket("/ws"), Map.of(), protocol);
                Client client = Client.connect(STAGE.pod().webSocket("/ws"), Map.of(), protocol)) {
            refused.authenticate("no token");
            next(operation, refused, "auth_error");
            client.authenticate(Tokens.of("documents"));
            JsonNode success = next(operation, client, "auth_success");
            assertThat(success.has("at")).isEqualTo(version.equals("V2"));
            client.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\",\"id\":1}");
            assertThat(next(operation, client, "subscribed").has("retained")).isTrue();
            nextPublication(operation, client);
            STAGE.redis().publish(channel, "{\"n\":2}");
            nextPublication(operation, client);
            client.send("{\"action\":\"unsubscribe\",\"channel\":\"" + channel + "\"}");
            next(operation, client, "unsubscribed");
            if (version.equals("V2")) {
                client.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\",\"since\":\""
                        + success.path("at").asText() + "\"}");
                assertThat(next(operation, client, "subscribed")
                                .path("recovered")
                                .asBoolean())
                        .isTrue();
                nextPublication(operation, client);
                next(operation, client, "mark");
            }
            client.send("{\"action\":\"ping\",\"id\":\"p\"}");
            next(operation, client, "pong");
            client.send("{\"action\":\"dance\"}");
            next(operation, client, "error");
            client.send("{\"action\":\"subscribe\",\"channel\":\"user:8\",\"id\":2}");
            next(operation, client, "error");
        }
    }

    /** Returns the next message, which has this action. Marks may come at any time. */
    private JsonNode next(String operation, Client client, String action) throws IOException {
        JsonNode message;
        do {
            message = JSON.readTree(client.next());
            api.assertDocumented(operation, message, null);
        } while (message.path("action").asText().equals("mark") && !action.equals("mark"));
        assertThat(message.path("action").asText()).isEqualTo(action);
        return message;
    }

    private void nextPublication(String operation, Client client) throws IOException {
        String message = client.next();
        while (message.startsWith("{\"action\":\"mark\"")) {
            api.assertDocumented(operation, JSON.readTree(message), null);
            message = client.next();
        }
        int end = message.indexOf('\n');
        assertThat(end >= 0).as(message).isEqualTo(operation.endsWith("V2"));
        api.assertPublication(
                operation,
                JSON.readTree(message.substring(end + 1)),
                end < 0 ? null : JSON.readTree(message.substring(0, end)));
    }

    @Test
    void eventsOfAStreamAreDocumented() throws IOException {
        String channel = "upload:" + Stage.upload();
        try (EventClient client = EventClient.of(STAGE.pod(), "documents", "?named=true&channel=" + channel)) {
            Event first = Objects.requireNonNull(client.next());
            api.assertDocumented("sendEvents", JSON.readTree(first.data()), headers(first));
            STAGE.redis().publish(channel, "{\"n\":1}");
            STAGE.redis().publish(channel, new byte[] {(byte) 0xff});
            for (String type : new String[] {channel, "binary"}) {
                Event event = Objects.requireNonNull(client.next());
                assertThat(event.type()).isEqualTo(type);
                api.assertPublication("sendEvents", new TextNode(event.data()), headers(event));
            }
        }
    }

    private static ObjectNode headers(Event event) {
        ObjectNode headers = JsonNodeFactory.instance.objectNode().put("event", event.type());
        return event.lastEventId().isEmpty() || event.type().equals("sluice")
                ? headers
                : headers.put("id", event.lastEventId());
    }
}
