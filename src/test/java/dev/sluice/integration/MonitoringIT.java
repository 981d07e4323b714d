package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.Tokens;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Tests that the dashboard and the alerts use existing metrics, and that Prometheus can evaluate them. */
@Order(2)
class MonitoringIT {

    /** Queries whose result may be 0. */
    private static final Set<String> QUIET = Set.of(
            "Gaps A",
            "Backlog of event loops A",
            "Tasks that wait for an event loop A",
            "Masters without a live subscription A",
            "Reads of streams, per second A",
            "Users who joined or left, per second A");

    /** A metric that only pods with sharded subscriptions have; {@code ShardedIT} reads it. */
    private static final String OF_SHARDS = "sluice_feed_shards";

    /** More publications of 50 KB than a kernel and an outbox can hold. */
    private static final int ENOUGH = 1000;

    private static final String UPLOAD = "upload:watched";

    @AutoClose
    private static Redis redis;

    @AutoClose
    private static Pod pod;

    private final List<AutoCloseable> clients = new ArrayList<>();

    @BeforeAll
    static void start() {
        redis = Redis.start();
        pod = Pod.ready(
                redis,
                Map.of(
                        "sluice.auth.timeout", "60s",
                        "sluice.outbox.max-bytes", "512K",
                        "sluice.routes.own.audience", "subscribers",
                        "sluice.routes.own.access", "owner"));
    }

    @Test
    void everyNamedMetricExists() {
        Set<String> there = pod.metrics().stream()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.replaceFirst("[{ ].*", ""))
                .collect(Collectors.toCollection(HashSet::new));
        there.add(OF_SHARDS);
        assertThat(questions())
                .isNotEmpty()
                .allSatisfy(
                        question -> assertThat(question.metrics()).isNotEmpty().isSubsetOf(there));
    }

    /**
     * In a native executable, {@code jvm_memory_usage_after_gc} is missing and {@code jvm_memory_max_bytes} of the heap
     * is -3.
     */
    @Test
    void noNamedMetricNeedsAJvm() {
        assertThat(questions())
                .flatExtracting(Question::metrics)
                .filteredOn(metric -> metric.startsWith("jvm_"))
                .containsOnly("jvm_memory_used_bytes");
    }

    @Test
    void dashboardQueriesHaveResultsAndAnAlertFiresWhenRedisDies() throws Exception {
        assumeThat(Prometheus.isInstalled())
                .as("Prometheus is installed, as Debian's package prometheus")
                .isTrue();
        Path rules = rules();
        assertThat(Prometheus.wrongWith(rules)).isEmpty();
        try (Prometheus prometheus = Prometheus.watching(pod, rules)) {
            // Events from here on raise the counters.
            await("the first reading")
                    .until(() -> !prometheus.query("sluice_feed_live").isEmpty());
            somethingOfEverything();
            await("answers").atMost(60, TimeUnit.SECONDS).untilAsserted(() -> {
                redis.publish(UPLOAD, "x".repeat(1000));
                assertThat(Question.ofDashboard())
                        .allSatisfy(question -> assertThat(values(prometheus.query(question.expression())))
                                .as(question.toString())
                                .isNotEmpty()
                                .allMatch(value -> !value.isNaN())
                                .anyMatch(value -> value > 0 || QUIET.contains(question.by())));
                assertThat(Question.ofAlerts())
                        .flatExtracting(Question::selectors)
                        .filteredOn(selector -> !selector.startsWith(OF_SHARDS))
                        .allSatisfy(selector ->
                                assertThat(prometheus.query(selector)).isNotEmpty());
                assertThat(prometheus.rules())
                        .hasSameSizeAs(Question.ofAlerts())
                        .allMatch(rule -> rule.path("health").asText().equals("ok"));
            });
            assertThat(aboutTheFeed(prometheus)).isNotEmpty().containsOnly("inactive");
            redis.kill();
            await("alert").until(() -> aboutTheFeed(prometheus).contains("pending"));
        } finally {
            for (AutoCloseable client : clients) {
                client.close();
            }
        }
    }

    /** Causes every kind of event that the dashboard shows, except failures. */
    private void somethingOfEverything() {
        Client client = keep(Client.of(pod, "7")).subscribe("watched");
        client.send("{\"action\":\"subscribe\",\"channel\":\"own:1\"}");
        assertThat(client.next()).contains("forbidden");
        keep(Client.connect(pod.webSocket("/ws")));
        assertThat(keep(Client.connect(pod.webSocket("/ws")).authenticate("x")).closeCode())
                .isEqualTo(4003);
        assertThat(Client.refusal(pod.webSocket("/ws"), Map.of("Origin", "http://evil.example")))
                .isEqualTo(403);
        redis.publish("upload:unwanted", "x");
        redis.publish("user:7", "x");
        assertThat(client.next()).isEqualTo("x");
        resume();
        keep(RawClient.narrow(pod, "slow")).subscribe("watched");
        publishUntil("sluice_missed_total{route=\"upload\"}", UPLOAD);
        keep(RawClient.narrow(pod, "doomed"));
        publishUntil("sluice_disconnects_total{reason=\"outbox_full\"}", "user:doomed");
    }

    /** A client resumes. */
    private void resume() {
        Map<String, String> bearer = Map.of("Authorization", "Bearer " + Tokens.of("8"));
        URI socket = pod.webSocket("/ws");
        String at;
        try (Client client = Client.connect(socket, bearer, ResumingClient.SUBPROTOCOL)) {
            at = new JsonObject(client.next()).getString("at");
        }
        redis.publish("user:8", "missed");
        Client client = keep(Client.connect(URI.create(socket + "?since=" + at), bearer, ResumingClient.SUBPROTOCOL));
        assertThat(client.next()).contains("\"recovered\":true");
        assertThat(client.next()).endsWith("missed");
    }

    private static void publishUntil(String counted, String channel) {
        for (int i = 0; pod.metric(counted) == 0; i++) {
            assertThat(i).as(counted).isLessThan(ENOUGH);
            redis.publish(channel, "x".repeat(50_000));
        }
    }

    private <T extends AutoCloseable> T keep(T client) {
        clients.add(client);
        return client;
    }

    private static List<Question> questions() {
        return Stream.concat(Question.ofDashboard().stream(), Question.ofAlerts().stream())
                .toList();
    }

    /** Writes the rules to a file for Prometheus; JSON is also YAML. */
    private static Path rules() throws IOException {
        Path file = Fork.file("rules.yaml");
        new ObjectMapper().writeValue(file.toFile(), Question.rules());
        return file;
    }

    private static List<Double> values(JsonNode series) {
        return StreamSupport.stream(series.spliterator(), false)
                .map(one -> Double.valueOf(one.path("value").path(1).asText()))
                .toList();
    }

    /** Returns the states of the alerts about the feed. */
    private static List<String> aboutTheFeed(Prometheus prometheus) {
        return StreamSupport.stream(prometheus.rules().spliterator(), false)
                .filter(rule -> rule.path("query").asText().contains("sluice_feed_live"))
                .map(rule -> rule.path("state").asText())
                .toList();
    }
}
