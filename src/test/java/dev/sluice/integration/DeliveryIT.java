package dev.sluice.integration;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wires")
class DeliveryIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String SETTLED = "settled";

    private final Pod pod;

    DeliveryIT(PodVariant variant) {
        this.pod = STAGE.pod(variant);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ \"progress_percent\" : 50 }",
                "",
                " ",
                "not json",
                "ü 漢 😀 \u0000 \uFFFD",
                "{\"action\":\"auth_error\"}"
            })
    void payloadsArriveUnchanged(String payload) {
        String upload = Stage.upload();
        try (Client client = Client.of(pod, "7").subscribe(upload)) {
            STAGE.redis().publish("upload:" + upload, payload);
            assertThat(client.next()).isEqualTo(payload);
        }
    }

    @Test
    void payloadsOverTheLimitAreDropped() {
        double dropped;
        try (Client client = Client.of(pod, "7")) {
            dropped = settledMetric(client, "sluice_publications_total{outcome=\"dropped\",route=\"user\"}");
            String large = "x".repeat(100_000) + "ü";
            String largest = "y".repeat(256 * 1024);
            STAGE.redis().publish("user:7", large);
            STAGE.redis().publish("user:7", largest);
            STAGE.redis().publish("user:7", largest + "z");
            STAGE.redis().publish("user:7", "after");
            assertThat(client.next()).isEqualTo(large);
            assertThat(client.next()).isEqualTo(largest);
            assertThat(client.next()).isEqualTo("after");
        }
        pod.awaitMetric("sluice_publications_total{outcome=\"dropped\",route=\"user\"}", dropped + 1);
    }

    @Test
    void payloadThatIsNotUtf8ArrivesAsBinary() {
        byte[][] invalid = {{(byte) 0xff, (byte) 0xfe}, {'a', (byte) 0xc3}, {(byte) 0xed, (byte) 0xa0, (byte) 0x80}};
        try (Client client = Client.of(pod, "7")) {
            for (byte[] payload : invalid) {
                STAGE.redis().publish("user:7", payload);
                assertThat(client.nextBinary()).isEqualTo(payload);
            }
            STAGE.redis().publish("user:7", "text again");
            assertThat(client.next()).isEqualTo("text again");
        }
    }

    @Test
    void invalidPublicationsDoNotEndTheStream() {
        try (Client client = Client.of(pod, "7")) {
            double dropped = settledMetric(client, "sluice_publications_total{outcome=\"dropped\",route=\"none\"}");
            double unwanted = pod.metric("sluice_publications_total{outcome=\"unwanted\",route=\"user\"}");
            STAGE.redis().publish("user:", "no id");
            STAGE.redis().publish("upload:", "no id");
            STAGE.redis().publish("user:" + "x".repeat(257), "id too long");
            STAGE.redis().publish("user:7 ", "somebody else");
            STAGE.redis().publish("User:7", "unknown");
            STAGE.redis().publish("user7", "unknown");
            STAGE.redis().publish("upload:\u0000\uFFFF", new byte[] {(byte) 0x80});
            STAGE.redis().publish(new byte[] {'u', 's', 'e', 'r', ':', (byte) 0xff}, new byte[0]);
            STAGE.redis().publish("user:7", "good");
            assertThat(client.next()).isEqualTo("good");
            pod.awaitMetric("sluice_publications_total{outcome=\"dropped\",route=\"none\"}", dropped + 3);
            // No user is called "7 " or what is not UTF-8.
            pod.awaitMetric("sluice_publications_total{outcome=\"unwanted\",route=\"user\"}", unwanted + 2);
        }
    }

    @Test
    void onlyTheUsersConnectionsReceiveTheUsersChannel() {
        try (Client one = Client.of(pod, "a:b");
                Client two = Client.of(pod, "a:b");
                Client other = Client.of(pod, "a")) {
            STAGE.redis().publish("user:a:b", "for a:b");
            assertThat(one.next()).isEqualTo("for a:b");
            assertThat(two.next()).isEqualTo("for a:b");
            other.assertNothingMore();
        }
    }

    @Test
    void twentyThousandMessagesArriveCompleteAndInOrder() {
        List<String> payloads = IntStream.range(0, 20_000)
                .mapToObj(number -> "{\"number\":" + number + "}")
                .toList();
        try (Client client = Client.of(pod, "7")) {
            STAGE.redis().publishAll("user:7", payloads);
            for (String payload : payloads) {
                assertThat(client.next()).isEqualTo(payload);
            }
            client.assertNothingMore();
        }
    }

    @Test
    void resetPeersDelayNoOtherClient() {
        awaitNobody();
        List<RawClient> peers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            peers.add(RawClient.of(pod, "crowd"));
        }
        List<String> payloads =
                IntStream.range(0, 2_000).mapToObj(number -> "number " + number).toList();
        try (Client client = Client.of(pod, "crowd")) {
            Thread publisher = new Thread(() -> STAGE.redis().publishAll("user:crowd", payloads));
            publisher.start();
            for (int i = 0; i < payloads.size(); i++) {
                assertThat(client.next()).isEqualTo(payloads.get(i));
                if (i % 50 == 0 && !peers.isEmpty()) {
                    peers.remove(0).reset();
                }
            }
        }
        awaitNobody();
    }

    @Test
    void peerThatNeverReadsDelaysNoOtherClient() {
        try (RawClient stalled = RawClient.of(pod, "crowd");
                Client client = Client.of(pod, "crowd")) {
            String large = "x".repeat(200_000);
            for (int i = 0; i < 100; i++) {
                STAGE.redis().publish("user:crowd", large);
                assertThat(client.next()).isEqualTo(large);
            }
            assertThat(stalled.read()).as("it could have read").startsWith('x');
        }
    }

    @Test
    void deliveriesAreCounted() {
        awaitNobody();
        String upload = Stage.upload();
        try (Client one = Client.of(pod, "7");
                Client two = Client.of(pod, "7")) {
            double unwanted = settledMetric(one, "sluice_publications_total{outcome=\"unwanted\",route=\"upload\"}");
            two.awaitMessage(SETTLED);
            two.assertNothingMore();
            one.subscribe(upload);
            double routed = pod.metric("sluice_publications_total{outcome=\"routed\",route=\"upload\"}");
            double deliveries = pod.metric("sluice_deliveries_total{route=\"upload\"}");
            double bytes = pod.metric("sluice_delivery_bytes_total");
            double latency = pod.metric("sluice_delivery_latency_seconds_count");
            STAGE.redis().publish("upload:nobody listens", "x");
            STAGE.redis().publish("upload:" + upload, "ü".getBytes(UTF_8));
            one.next();
            two.next();
            // Some are counted only after all receivers have been served.
            await().untilAsserted(() -> {
                assertThat(pod.metric("sluice_deliveries_total{route=\"upload\"}"))
                        .isEqualTo(deliveries + 2);
                assertThat(pod.metric("sluice_delivery_bytes_total")).isEqualTo(bytes + 4);
                // Counted once per event loop; the connections may share one.
                assertThat(pod.metric("sluice_delivery_latency_seconds_count")).isIn(latency + 1, latency + 2);
                assertThat(pod.metric("sluice_publications_total{outcome=\"routed\",route=\"upload\"}"))
                        .isEqualTo(routed + 1);
                assertThat(pod.metric("sluice_publications_total{outcome=\"unwanted\",route=\"upload\"}"))
                        .isEqualTo(unwanted + 1);
            });
        }
        await().until(() -> pod.metric("sluice_outbox_pending_bytes") == 0);
    }

    /** Returns the metric after the pod has handled all publications of earlier tests. */
    private double settledMetric(Client seven, String line) {
        STAGE.redis().publish("user:7", SETTLED);
        seven.awaitMessage(SETTLED);
        return pod.metric(line);
    }

    /** Waits until disconnected clients are removed. */
    private void awaitNobody() {
        await().until(() -> pod.metric("sluice_connections{state=\"authenticated\"}") == 0);
    }
}
