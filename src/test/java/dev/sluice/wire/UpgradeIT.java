package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UpgradeIT {

    private static final Pod POD = Stage.POD;

    @ParameterizedTest
    @ValueSource(strings = {"/ws", "/ws/uploads"})
    void bothPathsServeTheSame(String path) {
        try (Client client = Client.connect(POD.webSocket(path)).authenticate(Tokens.of("7"))) {
            assertThat(client.next()).contains("auth_success");
            client.subscribe("42");
        }
    }

    @Test
    void theSubprotocolIsEchoedWhereOfferedAndNotNeeded() {
        try (Client client = Client.connect(POD.webSocket("/ws"), Map.of(), "sluice.v1")) {
            assertThat(client.subprotocol()).isEqualTo("sluice.v1");
        }
        try (Client client = Client.connect(POD.webSocket("/ws"), Map.of(), "other", "sluice.v1")) {
            assertThat(client.subprotocol()).isEqualTo("sluice.v1");
        }
        try (Client client = Client.connect(POD.webSocket("/ws"))) {
            assertThat(client.subprotocol()).isEmpty();
        }
    }

    @Test
    void byDefaultOnlyPagesOfTheSameHostMayConnect() {
        try (Client client = Client.connect(POD.webSocket("/ws"), Map.of("Origin", "http://localhost:" + POD.port()))) {
            client.authenticate(Tokens.of("7"));
            assertThat(client.next()).contains("auth_success");
        }
        for (String origin : new String[] {"http://evil.example", "http://localhost:1", "null", "nonsense"}) {
            assertThat(Client.refusal(POD.webSocket("/ws"), Map.of("Origin", origin)))
                    .as(origin)
                    .isEqualTo(403);
        }
        assertThat(Client.refusal(
                        POD.webSocket("/ws/uploads"),
                        Map.of("Origin", "http://evil.example", "Authorization", "Bearer " + Tokens.of("7"))))
                .as("even with a good token")
                .isEqualTo(403);
    }

    @Test
    void aListOfOriginsReplacesTheDefault() {
        Map<String, String> config = Map.of("sluice.origins", "https://app.example.org,https://*.example.net");
        try (Pod pod = Pod.ready(Stage.REDIS, config)) {
            for (String origin : new String[] {"https://app.example.org", "https://a.example.net"}) {
                try (Client client = Client.connect(pod.webSocket("/ws"), Map.of("Origin", origin))) {
                    client.authenticate(Tokens.of("7"));
                    assertThat(client.next()).contains("auth_success");
                }
            }
            for (String origin : new String[] {"http://localhost:" + pod.port(), "https://example.net"}) {
                assertThat(Client.refusal(pod.webSocket("/ws"), Map.of("Origin", origin)))
                        .as(origin)
                        .isEqualTo(403);
            }
        }
    }

    @Test
    void theForwardedHostCountsOnlyWhereProxiesAreTrusted() {
        Map<String, String> behindProxy =
                Map.of("Origin", "https://app.example.org", "X-Forwarded-Host", "app.example.org");
        assertThat(Client.refusal(POD.webSocket("/ws"), behindProxy)).isEqualTo(403);
        Map<String, String> trusting = Map.of(
                "quarkus.http.proxy.proxy-address-forwarding", "true",
                "quarkus.http.proxy.allow-x-forwarded", "true",
                "quarkus.http.proxy.enable-forwarded-host", "true");
        try (Pod pod = Pod.ready(Stage.REDIS, trusting);
                Client client = Client.connect(pod.webSocket("/ws"), behindProxy)) {
            client.authenticate(Tokens.of("7"));
            assertThat(client.next()).contains("auth_success");
        }
    }
}
