package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** All spellings of the WebSocket path have the same limits, and requests that are not upgrades get an error. */
class UpgradePathIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final Map<String, String> UPGRADE = Map.of(
            "Upgrade", "websocket",
            "Connection", "Upgrade",
            "Sec-WebSocket-Version", "13",
            "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");

    private static Pod pod;

    @BeforeAll
    static void start() {
        pod = Pod.ready(STAGE.redis(), Map.of("sluice.limits.connects-per-second", "1"));
    }

    @AfterAll
    static void stop() {
        pod.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/ws",
                "/ws/uploads",
                "/%77s",
                "/%77%73",
                "//ws",
                "/./ws",
                "/%2e/ws",
                "/x/../ws",
                "/x/%2E%2e/ws",
                "/ws/../ws",
                "/ws/%75ploads",
                "/ws//uploads",
                "/ws/",
                "/ws?x=1",
            })
    void connectRateAppliesToEverySpellingOfThePath(String path) {
        boolean limited = false;
        // One request per second may pass.
        for (int i = 0; i < 5 && !limited; i++) {
            limited = Api.status(pod, "GET " + path, UPGRADE) == 503;
        }
        assertThat(limited).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/WS", "/wsx", "/ws/x", "/ws%2Fuploads", "/ws;x", "/ws;x/uploads", "/ws/uploads/x", "/w%73x"})
    void otherPathsServeNoWebSocket(String path) {
        assertThat(Api.status(pod, "GET " + path, UPGRADE)).isIn(400, 404);
        assertThat(head("GET " + path + " HTTP/1.1"))
                .containsIgnoringCase("content-security-policy")
                .containsIgnoringCase("nosniff");
    }

    @ParameterizedTest
    @CsvSource({
        "GET /ws HTTP/1.1, ''",
        "GET /ws/uploads HTTP/1.1, ''",
        "GET /%77s HTTP/1.1, ''",
        "HEAD /ws HTTP/1.1, ''",
        "POST /ws HTTP/1.1, 'Content-Length: 0'",
        "GET /ws HTTP/1.0, 'Sec-WebSocket-Version: 13;Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='",
        "GET /ws HTTP/1.1, 'Sec-WebSocket-Version: 13;Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==;Connection: close'",
        "GET /ws HTTP/1.1, 'Upgrade: websocket;Connection: Upgrade;Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='",
        "GET /ws HTTP/1.1, 'Upgrade: websocket;Connection: Upgrade;Sec-WebSocket-Version: 8;Sec-WebSocket-Key: x'",
        "GET /ws HTTP/1.1, 'Upgrade: h2c;Connection: Upgrade;Sec-WebSocket-Version: 13;Sec-WebSocket-Key: x'",
        "GET /ws HTTP/1.1, 'Upgrade: websocket, x;Connection: Upgrade;Sec-WebSocket-Version: 13;Sec-WebSocket-Key: x'",
        "GET /ws HTTP/1.1, 'Upgrade: websocket;Connection: Upgrade;Sec-WebSocket-Version: 13'",
    })
    void requestWithoutUpgradeGets426(String start, String headers) {
        String answer = answer(start, headers.isEmpty() ? new String[0] : headers.split(";", -1));
        String lines = answer.toLowerCase(Locale.ROOT);
        assertThat(answer).contains(" 426 Upgrade Required");
        assertThat(lines).contains("upgrade: websocket\r\n", "sec-websocket-version: 13\r\n");
        assertThat(lines).contains(headers.contains("close") ? "connection: close\r\n" : "connection: upgrade\r\n");
        assertThat(lines).contains("content-type: application/problem+json");
        if (start.startsWith("HEAD")) {
            assertThat(answer).endsWith("\r\n\r\n");
        } else {
            assertThat(answer).contains("a proxy removed the headers");
        }
    }

    private static String head(String start) {
        return answer(start).split("\r\n\r\n", 2)[0];
    }

    private static String answer(String start, String... headers) {
        StringBuilder request = new StringBuilder(start).append("\r\nHost: localhost\r\n");
        for (String header : headers) {
            request.append(header).append("\r\n");
        }
        try (Socket socket = new Socket("localhost", pod.port())) {
            return Api.ask(socket, request.append("\r\n").toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
