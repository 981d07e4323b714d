package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Discretion;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests with {@code Expect: 100-continue}: the pod requests the body only if the rest of the request is valid. */
class ExpectContinueIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String MESSAGES = "/api/channels/user:7/messages";
    private static final String PUBLISHER = Tokens.withGroups("backend", "publisher");

    private Socket socket;

    @BeforeEach
    void connect() throws IOException {
        socket = new Socket("localhost", STAGE.pod().port());
    }

    @AfterEach
    void close() throws IOException {
        socket.close();
    }

    @Test
    void acceptableBodyGets100Continue() throws IOException {
        String payload = "x".repeat(100_000);
        try (Client client = Client.of(STAGE.pod(), "7")) {
            for (int i = 0; i < 3; i++) {
                assertThat(Api.ask(socket, request(MESSAGES, PUBLISHER, "Content-Length: " + payload.length())))
                        .startsWith("HTTP/1.1 100 ");
                assertThat(Api.ask(socket, payload)).startsWith("HTTP/1.1 202 ");
                assertThat(client.next()).isEqualTo(payload);
            }
        }
    }

    @Test
    void chunkedBodyGets100Continue() throws IOException {
        try (Client client = Client.of(STAGE.pod(), "7")) {
            assertThat(Api.ask(socket, request(MESSAGES, PUBLISHER, "Transfer-Encoding: chunked")))
                    .startsWith("HTTP/1.1 100 ");
            assertThat(Api.ask(socket, "5\r\nhello\r\n0\r\n\r\n")).startsWith("HTTP/1.1 202 ");
            assertThat(client.next()).isEqualTo("hello");
        }
    }

    @Test
    void eventBodyGets100Continue() throws IOException {
        String event = "{\"action\":\"upload_failed\",\"upload_id\":\"1\",\"error_message\":\"no\"}";
        Discretion.published(event.getBytes(StandardCharsets.UTF_8));
        String head = request(
                "/api/users/7/events",
                PUBLISHER,
                "Content-Type: application/json\r\nContent-Length: " + event.length());
        assertThat(Api.ask(socket, head)).startsWith("HTTP/1.1 100 ");
        assertThat(Api.ask(socket, event)).startsWith("HTTP/1.1 202 ");
    }

    @ParameterizedTest
    @CsvSource({
        MESSAGES + ", '', Content-Length: 5, 401",
        MESSAGES + ", nonsense, Content-Length: 5, 401",
        MESSAGES + ", operator, Content-Length: 5, 403",
        MESSAGES + ", publisher, Content-Length: 10000000, 413",
        "/api/channels/nonsense/messages, publisher, Content-Length: 5, 400",
        "/api/nothing, publisher, Content-Length: 5, 404",
        "/api/users/7/events, publisher, 'Content-Type: text/plain\r\nContent-Length: 5', 415",
        "/ws, publisher, Content-Length: 5, 426",
    })
    void refusedRequestGetsNo100Continue(String path, String role, String headers, int status) throws IOException {
        String token = role.equals("publisher") || role.equals("operator") ? Tokens.withGroups("some", role) : role;
        String answer = Api.ask(socket, request(path, token, headers));
        assertThat(answer).startsWith("HTTP/1.1 " + status + " ");
        assertThat(answer.toLowerCase(Locale.ROOT)).contains("connection: close");
        assertThat(socket.getInputStream().read()).as("closed").isEqualTo(-1);
    }

    private static String request(String path, String token, String headers) {
        return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                + (token.isEmpty() ? "" : "Authorization: Bearer " + token + "\r\n") + headers + "\r\n\r\n";
    }
}
