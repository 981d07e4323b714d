package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that connect all at once are admitted at a bounded rate, whichever spelling of the WebSocket path they use, and
 * requests that are not upgrades get an error.
 */
@Tag("chaos")
class UpgradePathIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final Map<String, String> UPGRADE = Map.of(
            "Upgrade", "websocket",
            "Connection", "Upgrade",
            "Sec-WebSocket-Version", "13",
            "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");

    private static final String[] UPGRADE_LINES = UPGRADE.entrySet().stream()
            .map(header -> header.getKey() + ": " + header.getValue())
            .toArray(String[]::new);

    private static final int RATE = 2;

    private static Pod pod;

    @BeforeAll
    static void start() {
        pod = Pod.ready(STAGE.redis(), Map.of("sluice.limits.connects-per-second", "" + RATE));
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
        for (int i = 0; i < 10 * RATE && !limited; i++) {
            limited = Api.status(pod, "GET " + path, UPGRADE) == 503;
        }
        assertThat(limited).isTrue();
    }

    @Test
    void connectRateIsLimited() {
        String limit = "sluice_refused_total{limit=\"connects-per-second\"}";
        try (Client early = clientAsSoonAsAdmitted()) {
            double before = pod.metric(limit);
            long start = System.nanoTime();
            int accepted = 0;
            List<String> refused = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                String answer = answer("GET /ws HTTP/1.1", UPGRADE_LINES);
                if (answer.startsWith("HTTP/1.1 101")) {
                    accepted++;
                } else {
                    refused.add(answer);
                }
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            assertThat(accepted).isLessThanOrEqualTo((int) Math.ceil(RATE + RATE * seconds));
            assertThat(refused)
                    .isNotEmpty()
                    .allMatch(answer -> answer.startsWith("HTTP/1.1 503"))
                    .allMatch(answer -> answer.toLowerCase(Locale.ROOT)
                            .lines()
                            .anyMatch(line -> line.matches("retry-after: [1-5]")));
            pod.awaitMetric(limit, before + refused.size());
            STAGE.redis().publish("user:7", "hello");
            assertThat(early.next()).isEqualTo("hello");
        }
    }

    private static Client clientAsSoonAsAdmitted() {
        return await("room")
                .ignoreException(CompletionException.class)
                .until(() -> Client.of(pod, "7"), client -> true);
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
