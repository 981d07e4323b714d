package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Tests that connections, disconnects and refusals are counted, and that every metric is documented. Other tests check
 * the other metrics.
 */
class MetricsIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static Pod pod;

    @BeforeAll
    static void start() {
        pod = Pod.ready(
                STAGE.redis(),
                Map.of(
                        "sluice.auth.timeout", "10s",
                        "sluice.webhook.url", "http://localhost/never/asked",
                        "sluice.routes.doc.audience", "subscribers",
                        "sluice.routes.doc.access", "webhook",
                        "sluice.routes.own.audience", "subscribers",
                        "sluice.routes.own.access", "owner"));
    }

    @AfterAll
    static void stop() {
        pod.close();
    }

    @Test
    void connectionGaugesReturnToZero() {
        await().untilAsserted(() -> assertState(0, 0, 0, 0));
        Client one = Client.of(pod, "7").subscribe("1").subscribe("2");
        Client two = Client.of(pod, "7").subscribe("2");
        Client three = Client.of(pod, "8").subscribe("2");
        Client silent = Client.connect(pod.webSocket("/ws"));
        double late = authFailures("timeout");
        await().untilAsserted(() -> assertState(3, 1, 2, 3));
        assertThat(silent.closeCode()).isEqualTo(4001);
        awaitAuthFailures("timeout", late + 1);
        one.leave();
        two.close();
        three.close();
        await().untilAsserted(() -> assertState(0, 0, 0, 0));
    }

    @Test
    void everyDisconnectIsCountedOnceWithItsReason() {
        double left = pod.disconnects("client_closed");
        double lost = pod.disconnects("connection_reset");
        double rude = pod.disconnects("protocol_error");
        double large = pod.disconnects("frame_too_large");
        Client.of(pod, "7").leave();
        RawClient.of(pod, "7").reset();
        try (RawClient client = RawClient.of(pod, "7").frame(RawClient.FINAL | 3, new byte[0])) {
            assertThat(client.closeCode()).isEqualTo(1002);
        }
        try (RawClient client = RawClient.of(pod, "7").text("x".repeat(40_000))) {
            assertThat(client.closeCode()).isEqualTo(1009);
        }
        pod.awaitDisconnects("client_closed", left + 1);
        pod.awaitDisconnects("connection_reset", lost + 1);
        pod.awaitDisconnects("protocol_error", rude + 1);
        pod.awaitDisconnects("frame_too_large", large + 1);
    }

    @Test
    void refusedFrameAndIdLengthsAreCountedOnce() {
        double frames = refused("max-frame");
        double ids = refused("channel-id-length");
        try (RawClient client = RawClient.connect(pod).text("x".repeat(1_000_000))) {
            assertThat(client.closeCode()).isEqualTo(1009);
        }
        byte[] half = new byte[20_000];
        try (RawClient client = RawClient.of(pod, "7")) {
            client.frame(RawClient.TEXT, half).frame(RawClient.FINAL | RawClient.CONTINUATION, half);
            assertThat(client.closeCode()).isEqualTo(1009);
        }
        try (Client client = Client.of(pod, "7")) {
            client.send("{\"action\":\"subscribe\",\"channel\":\"upload:" + "x".repeat(257) + "\"}");
            assertThat(client.next()).contains("bad_channel");
            client.send("{\"action\":\"subscribe\",\"channel\":\"nobody:knows\"}");
            assertThat(client.next()).contains("bad_channel");
        }
        pod.awaitMetric("sluice_refused_total{limit=\"max-frame\"}", frames + 2);
        pod.awaitMetric("sluice_refused_total{limit=\"channel-id-length\"}", ids + 1);
    }

    @Test
    void refusalsAreCountedByReason() {
        assertThat(Client.connect(pod.webSocket("/ws")).send("[]").closeCode()).isEqualTo(4004);
        assertThat(Client.connect(pod.webSocket("/ws")).send("{}").closeCode()).isEqualTo(4002);
        assertThat(Client.connect(pod.webSocket("/ws")).authenticate("x").closeCode())
                .isEqualTo(4003);
        assertThat(Client.refusal(pod.webSocket("/ws"), Map.of("Origin", "http://evil.example")))
                .isEqualTo(403);
        for (String reason : new String[] {"not_json", "not_auth", "token"}) {
            awaitAuthFailures(reason, 1);
        }
        pod.awaitMetric("sluice_refused_total{limit=\"origin\"}", 1);
        assertThat(pod.metric("sluice_feed_live")).isEqualTo(1);
    }

    @Test
    void strictParsersAcceptDescriptions() {
        assertThat(pod.metrics())
                .anyMatch(line -> line.startsWith("# HELP sluice_connections "))
                .noneMatch(line -> line.startsWith("# HELP") && line.contains("\\\""));
    }

    @Test
    void documentationNamesEveryMetricWithItsTags() {
        assertThat(Metric.of(pod.metrics())).isEqualTo(Metric.documented()).hasSizeGreaterThan(10);
    }

    private static void assertState(int authenticated, int unauthenticated, int users, int subscriptions) {
        assertThat(pod.metric("sluice_connections{state=\"authenticated\"}")).isEqualTo(authenticated);
        assertThat(pod.metric("sluice_connections{state=\"unauthenticated\"}")).isEqualTo(unauthenticated);
        assertThat(pod.metric("sluice_users")).isEqualTo(users);
        assertThat(pod.metric("sluice_subscriptions")).isEqualTo(subscriptions);
    }

    private static double refused(String limit) {
        return pod.metric("sluice_refused_total{limit=\"" + limit + "\"}");
    }

    private static void awaitAuthFailures(String reason, double times) {
        pod.awaitMetric("sluice_auth_failures_total{reason=\"" + reason + "\"}", times);
    }

    private static double authFailures(String reason) {
        return pod.metric("sluice_auth_failures_total{reason=\"" + reason + "\"}");
    }
}
