package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.EventClient;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Tests the package that {@code ./mvnw verify -Dtracing} builds; skipped for the usual one. */
class TracingIT {

    private static final String PAYLOAD = "what is secret in a payload";
    private static final String PARENT_ID = "00f067aa0ba902b7";
    private static Redis redis;
    private static Collector collector;

    @BeforeAll
    static void start() {
        assumeThat(System.getProperty("test.package"))
                .as("the package with tracing")
                .isNotNull();
        redis = Redis.start();
        collector = new Collector();
    }

    @AfterAll
    static void stop() {
        if (redis != null) {
            redis.close();
            collector.close();
        }
    }

    /** Starts a pod whose backend is asked about each token and each channel of uploads. */
    private static Pod pod(Map<String, String> config, Map<String, String> environment) {
        Map<String, String> all = new HashMap<>(Map.of(
                "quarkus.redis.hosts", redis.uri(),
                "mp.jwt.verify.publickey.location", Tokens.publicKeyFile().toString(),
                "sluice.routes.upload.access", "webhook",
                "sluice.webhook.url", collector.webhook(),
                "sluice.webhook.connect.url", collector.webhook(),
                "sluice.webhook.timeout", "20s",
                "quarkus.otel.bsp.schedule.delay", "50ms"));
        all.putAll(config);
        return Pod.launched(all, environment).awaitReady();
    }

    @Test
    void requestsOfClientsHaveSpans() {
        // Without a protocol, spans are exported over gRPC.
        Map<String, String> standard = Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", collector.grpcUrl());
        try (Pod pod = pod(Map.of(), standard)) {
            webSocket(pod);
            eventStream(pod);
            unsampled(pod);
            assertThat(collector.spans())
                    .extracting(Collector.Span::name)
                    .containsOnly("upgrade", "authenticate", "webhook", "subscribe", "publish");
        }
    }

    private static void webSocket(Pod pod) {
        String trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        String token = Tokens.of("socket");
        String upload = Stage.upload();
        int asked = collector.asked().size();
        try (Client client =
                Client.connect(pod.webSocket("/ws"), Map.of("traceparent", parent(trace, "01"), "tracestate", "a=b"))) {
            client.authenticate(token);
            assertThat(client.next()).contains("auth_success");
            client.subscribe(upload);
            IntStream.range(0, 100).forEach(i -> redis.publish("upload:" + upload, PAYLOAD + i));
            client.awaitMessage(PAYLOAD + 99);
            client.subscribe(upload);
        }

        await().untilAsserted(() -> assertThat(collector.trace(trace)).hasSize(6));
        List<Collector.Span> spans = collector.trace(trace);
        Collector.Span upgrade = named(spans, "upgrade");
        assertThat(upgrade.parent()).isEqualTo(PARENT_ID);
        assertThat(upgrade.kind()).isEqualTo(2);
        assertThat(upgrade.attributes()).containsEntry("sluice.outcome", "101").containsEntry("sluice.protocol", "v1");
        Collector.Span authenticate = named(spans, "authenticate");
        assertThat(authenticate.parent()).isEqualTo(upgrade.id());
        assertThat(authenticate.attributes()).containsEntry("sluice.outcome", "accepted");
        List<Collector.Span> subscribes =
                spans.stream().filter(span -> span.name().equals("subscribe")).toList();
        assertThat(subscribes).hasSize(2).allSatisfy(subscribe -> {
            assertThat(subscribe.parent()).isEqualTo(upgrade.id());
            assertThat(subscribe.attributes())
                    .containsEntry("sluice.channel", "upload:" + upload)
                    .containsEntry("sluice.outcome", "allowed");
        });
        List<Collector.Span> calls =
                spans.stream().filter(span -> span.name().equals("webhook")).toList();
        assertThat(calls)
                .extracting(Collector.Span::parent)
                .containsExactly(authenticate.id(), subscribes.get(0).id());
        assertThat(calls).allSatisfy(call -> {
            assertThat(call.kind()).isEqualTo(3);
            assertThat(call.attributes()).containsEntry("sluice.outcome", "200");
        });
        assertThat(spans).noneMatch(Collector.Span::failed);
        // The backend's own spans become children of the calls.
        assertThat(collector.asked().subList(asked, asked + 2))
                .extracting(headers -> headers.get("Traceparent").get(0))
                .containsExactlyElementsOf(calls.stream()
                        .map(call -> "00-" + trace + "-" + call.id() + "-01")
                        .toList());
        assertThat(collector.asked().get(asked)).containsEntry("Tracestate", List.of("a=b"));
        assertThat(collector.bodies()).noneMatch(body -> body.contains(token) || body.contains(PAYLOAD));
    }

    private static void eventStream(Pod pod) {
        String trace = "5bf92f3577b34da6a3ce929d0e0e4736";
        String upload = Stage.upload();
        try (EventClient client =
                EventClient.of(pod, "stream", "?channel=upload:" + upload, "traceparent: " + parent(trace, "01"))) {
            assertThat(client.status()).isEqualTo(200);
            // The span of the request ends when the stream begins.
            await().untilAsserted(() -> assertThat(collector.trace(trace)).hasSize(5));
        }
        List<Collector.Span> spans = collector.trace(trace);
        Collector.Span upgrade = named(spans, "upgrade");
        assertThat(upgrade.attributes()).containsEntry("sluice.outcome", "200").containsEntry("sluice.protocol", "sse");
        assertThat(named(spans, "authenticate").parent()).isEqualTo(upgrade.id());
        assertThat(named(spans, "subscribe").parent()).isEqualTo(upgrade.id());

        String refused = "6bf92f3577b34da6a3ce929d0e0e4736";
        int status = Client.refusal(
                pod.webSocket("/ws"),
                Map.of("traceparent", parent(refused, "01"), "Authorization", "Bearer " + Tokens.of("late") + "x"));
        assertThat(status).isEqualTo(401);
        await().untilAsserted(() -> assertThat(collector.trace(refused)).hasSize(2));
        assertThat(named(collector.trace(refused), "upgrade").attributes()).containsEntry("sluice.outcome", "401");
        assertThat(named(collector.trace(refused), "authenticate").attributes())
                .containsEntry("sluice.outcome", "signature");
    }

    /** What the caller does not record is not recorded here, but passed on. */
    private static void unsampled(Pod pod) {
        String trace = "7bf92f3577b34da6a3ce929d0e0e4736";
        int asked = collector.asked().size();
        try (Client client = Client.connect(pod.webSocket("/ws"), Map.of("traceparent", parent(trace, "00")))) {
            client.authenticate(Tokens.of("unsampled"));
            assertThat(client.next()).contains("auth_success");
        }
        assertThat(collector.asked().get(asked).get("Traceparent").get(0))
                .startsWith("00-" + trace + "-")
                .endsWith("-00");
        assertThat(collector.trace(trace)).isEmpty();
    }

    @Test
    void publishRequestsHaveSpans() {
        Map<String, String> own = Map.of(
                "quarkus.otel.exporter.otlp.endpoint",
                collector.url(),
                "quarkus.otel.exporter.otlp.protocol",
                "http/protobuf",
                "quarkus.otel.traces.sampler.arg",
                "0");
        String trace = "8bf92f3577b34da6a3ce929d0e0e4736";
        try (Pod pod = pod(own, Map.of())) {
            // Not recorded, because no caller decided for it, and the share is 0.
            assertThat(Api.publisher(pod)
                            .post("/api/channels/user:7/messages", "{}")
                            .statusCode())
                    .isEqualTo(202);
            int status = Api.publisher(pod)
                    .post(
                            "/api/channels/user:7/messages",
                            PAYLOAD.getBytes(StandardCharsets.UTF_8),
                            "traceparent",
                            parent(trace, "01"))
                    .statusCode();
            assertThat(status).isEqualTo(202);
            await().untilAsserted(() -> assertThat(collector.trace(trace)).hasSize(1));
            assertThat(collector.spans().stream().filter(span -> span.name().equals("publish")))
                    .hasSize(1);
            Collector.Span publish = named(collector.trace(trace), "publish");
            assertThat(publish.parent()).isEqualTo(PARENT_ID);
            assertThat(publish.attributes())
                    .containsEntry("sluice.channel", "user:7")
                    .containsEntry("sluice.outcome", "202");
        }
    }

    @Test
    void withoutAnEndpointItIsOff() {
        try (Pod pod = pod(Map.of(), Map.of());
                Client client = Client.connect(
                        pod.webSocket("/ws"),
                        Map.of("traceparent", parent("9bf92f3577b34da6a3ce929d0e0e4736", "01")))) {
            int asked = collector.asked().size();
            client.authenticate(Tokens.of("off"));
            assertThat(client.next()).contains("auth_success");
            assertThat(collector.asked().get(asked)).doesNotContainKeys("Traceparent", "Tracestate");
        }
    }

    private static Collector.Span named(List<Collector.Span> spans, String name) {
        return spans.stream()
                .filter(span -> span.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static String parent(String trace, String flags) {
        return "00-" + trace + "-" + PARENT_ID + "-" + flags;
    }
}
