package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UpgradeIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    @ParameterizedTest
    @ValueSource(strings = {"/ws", "/ws/uploads"})
    void bothPathsAreServed(String path) {
        try (Client client = Client.connect(STAGE.pod().webSocket(path)).authenticate(Tokens.of("7"))) {
            assertThat(client.next()).contains("auth_success");
            client.subscribe(Stage.upload());
        }
    }

    @Test
    void idleBrowserHasSevenObjectsAndItsUserAndChannel() {
        Set<String> expected = Set.of(
                // Of the connection:
                "dev.sluice.wire.WebSocketChannel",
                "dev.sluice.wire.Inbound",
                "dev.sluice.wire.DirectFrameWriter",
                "dev.sluice.outbox.Outbox",
                "dev.sluice.session.Session",
                "dev.sluice.session.AuthenticatedClient",
                "dev.sluice.registry.Connection",
                // Of its user, who has no other connection:
                "dev.sluice.registry.Group",
                // Of the user's channel, which has no other listener:
                "dev.sluice.route.Channel",
                "dev.sluice.registry.ChannelListeners",
                "dev.sluice.registry.LoopListeners",
                "dev.sluice.registry.LoopListeners$Listener");
        // Again if the pod drops what earlier tests left in its caches meanwhile.
        await().untilAsserted(() -> assertThat(objectsOfABrowser())
                .containsOnlyKeys(expected)
                .allSatisfy((name, count) -> assertThat(count).as(name).isEqualTo(1)));
    }

    /** Returns the number of objects by class for each of some browsers, which have different users. */
    private static Map<String, Long> objectsOfABrowser() {
        awaitNobody();
        int browsers = 50;
        List<RawClient> idle = new ArrayList<>();
        Map<String, Long> before = STAGE.pod().instances("dev.sluice.");
        for (int i = 0; i < browsers; i++) {
            idle.add(RawClient.of(STAGE.pod(), "browser " + i));
        }
        Map<String, Long> after = STAGE.pod().instances("dev.sluice.");
        idle.forEach(RawClient::close);
        // Rounded, as the pod has a few objects of other classes more or less than before.
        after.replaceAll((name, count) -> Math.round((count - before.getOrDefault(name, 0L)) / (double) browsers));
        after.values().removeIf(count -> count == 0);
        return after;
    }

    @Test
    void offeredSubprotocolIsEchoed() {
        try (Client client = Client.connect(STAGE.pod().webSocket("/ws"), Map.of(), "sluice.v1")) {
            assertThat(client.subprotocol()).isEqualTo("sluice.v1");
        }
        try (Client client = Client.connect(STAGE.pod().webSocket("/ws"), Map.of(), "other", "sluice.v1")) {
            assertThat(client.subprotocol()).isEqualTo("sluice.v1");
        }
        try (Client client = Client.connect(STAGE.pod().webSocket("/ws"), Map.of(), "sluice.v1", "sluice.v2")) {
            assertThat(client.subprotocol()).as("the newer of two").isEqualTo("sluice.v2");
        }
        try (Client client = Client.connect(STAGE.pod().webSocket("/ws"))) {
            assertThat(client.subprotocol()).isEmpty();
        }
    }

    @Test
    void refusedUpgradeMayBeRepeatedOnTheConnection() throws IOException {
        try (Socket socket = new Socket("localhost", STAGE.pod().port())) {
            for (int i = 0; i < 200; i++) {
                assertThat(upgrade(socket, "nonsense")).isEqualTo(401);
            }
            assertThat(upgrade(socket, Tokens.of("7"))).isEqualTo(101);
        }
    }

    @Test
    void connectionBecomesAtMostOneWebSocket() throws IOException {
        awaitNobody();
        String both = request(Tokens.of("one")) + request(Tokens.of("two"));
        for (int i = 0; i < 10; i++) {
            try (Socket socket = new Socket("localhost", STAGE.pod().port())) {
                socket.getOutputStream().write(both.getBytes(StandardCharsets.US_ASCII));
                socket.setSoTimeout(200);
                String answer = readUntilSilence(socket);
                assertThat(answer).doesNotContain("\"two\"");
            }
        }
        awaitNobody();
    }

    @Test
    void disconnectDuringTheUpgradeLeaksNothing() throws IOException {
        awaitNobody();
        byte[] request = request(Tokens.of("7")).getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < 300; i++) {
            Socket socket = new Socket("localhost", STAGE.pod().port());
            socket.getOutputStream().write(request);
            LockSupport.parkNanos(i * 15_000L);
            socket.setSoLinger(i % 2 == 0, 0);
            socket.close();
        }
        awaitNobody();
    }

    private static void awaitNobody() {
        for (String state : new String[] {"authenticated", "unauthenticated"}) {
            await(state).until(() -> STAGE.pod().metric("sluice_connections{state=\"" + state + "\"}") == 0);
        }
    }

    private static int upgrade(Socket socket, String token) throws IOException {
        String answer = Api.ask(socket, request(token));
        int status = Integer.parseInt(answer.substring(9, 12));
        if (status == 401) {
            assertThat(answer).contains("application/problem+json", "The token is invalid");
        }
        return status;
    }

    private static String request(String token) {
        return "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                + "Authorization: Bearer " + token + "\r\n\r\n";
    }

    private static String readUntilSilence(Socket socket) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try {
            for (int c = socket.getInputStream().read();
                    c >= 0;
                    c = socket.getInputStream().read()) {
                all.write(c);
            }
        } catch (SocketTimeoutException silence) {
            return all.toString(StandardCharsets.ISO_8859_1);
        }
        return all.toString(StandardCharsets.ISO_8859_1);
    }

    @Test
    void onlySameHostPagesMayConnectByDefault() {
        try (Client client = Client.connect(
                STAGE.pod().webSocket("/ws"),
                Map.of("Origin", "http://localhost:" + STAGE.pod().port()))) {
            client.authenticate(Tokens.of("7"));
            assertThat(client.next()).contains("auth_success");
        }
        for (String origin : new String[] {"http://evil.example", "http://localhost:1", "null", "nonsense"}) {
            assertThat(Client.refusal(STAGE.pod().webSocket("/ws"), Map.of("Origin", origin)))
                    .as(origin)
                    .isEqualTo(403);
        }
        assertThat(Client.refusal(
                        STAGE.pod().webSocket("/ws/uploads"),
                        Map.of("Origin", "http://evil.example", "Authorization", "Bearer " + Tokens.of("7"))))
                .as("even with a good token")
                .isEqualTo(403);
    }

    @Test
    void listedOriginsAndTheHostForwardedByATrustedProxyMayConnect() {
        Map<String, String> behindProxy =
                Map.of("Origin", "https://forwarded.example.org", "X-Forwarded-Host", "forwarded.example.org");
        assertThat(Client.refusal(STAGE.pod().webSocket("/ws"), behindProxy))
                .as("no proxy is trusted")
                .isEqualTo(403);
        Map<String, String> config = Map.of(
                "sluice.origins", "https://app.example.org,https://*.example.net",
                "quarkus.http.proxy.proxy-address-forwarding", "true",
                "quarkus.http.proxy.allow-x-forwarded", "true",
                "quarkus.http.proxy.enable-forwarded-host", "true");
        try (Pod pod = Pod.ready(STAGE.redis(), config)) {
            String own = "http://localhost:" + pod.port();
            for (String origin : new String[] {"https://app.example.org", "https://a.example.net", own}) {
                assertAccepted(pod, Map.of("Origin", origin));
            }
            assertAccepted(pod, behindProxy);
            for (String origin : new String[] {"http://localhost:1", "https://example.net"}) {
                assertThat(Client.refusal(pod.webSocket("/ws"), Map.of("Origin", origin)))
                        .as(origin)
                        .isEqualTo(403);
            }
            // The log names the first refused origin, and the key.
            pod.awaitLog("limit origin; refusals: 1, the last of http://localhost:1 (see sluice.origins)");
        }
    }

    private static void assertAccepted(Pod pod, Map<String, String> headers) {
        try (Client client = Client.connect(pod.webSocket("/ws"), headers)) {
            client.authenticate(Tokens.of("7"));
            assertThat(client.next()).contains("auth_success");
        }
    }
}
