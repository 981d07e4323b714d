package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Redis;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A pod with little memory survives clients that never read, for payloads of any size and number. The test fails if any
 * queue between Redis and the sockets can grow without bound.
 */
@Order(2)
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wiresOfOwnPods")
@Tag("long")
class BoundsIT {

    /** Far less than the publications; data from TCP waits outside the heap. */
    private static final List<String> LITTLE_MEMORY = List.of(
            "-Xmx64m",
            "-XX:MaxDirectMemorySize=56m",
            "-XX:+ExitOnOutOfMemoryError",
            // Tracking every buffer would fill most of the heap.
            "-Dio.netty.leakDetection.samplingInterval=128");

    private static final int MEGABYTE = 1024 * 1024;
    private static final int LOOPS = 2;
    private static final int MAX_FEED_PENDING = 4 * MEGABYTE;
    /** The maximum that the pod reads before a pause: Netty reads 16 buffers in a row, and one buffer is a megabyte. */
    private static final int MAX_READ = 17 * MEGABYTE;

    private static final int CROWD = 3;
    private static final int WAVES = 3;

    private final Map<String, String> config;
    private final String upload = Stage.upload();
    private final List<RawClient> sleepers = new ArrayList<>();
    private final List<RawClient> doomed = new ArrayList<>();
    private int doomedSoFar;

    BoundsIT(PodVariant variant) {
        config = variant.with(Map.of(
                "quarkus.vertx.event-loops-pool-size", "" + LOOPS,
                "sluice.feed.pending.max-bytes", "" + MAX_FEED_PENDING,
                "sluice.outbox.max-bytes", "" + MEGABYTE,
                "sluice.outbox.max-stall", "10m"));
    }

    @Test
    void clientsThatNeverReadHarmNeitherPodNorOtherClients() {
        try (Redis redis = Redis.start();
                Redis.Publisher publisher = redis.publisher();
                Pod pod = Pod.ready(redis, config, LITTLE_MEMORY);
                Client healthy = Client.of(pod, "crowd").subscribe(upload)) {
            for (int i = 0; i < CROWD; i++) {
                sleepers.add(RawClient.narrow(pod, "sleeper-" + i).subscribe(upload));
            }
            // 75 MB in large payloads, then as many small and empty ones as it takes to disconnect clients that do not
            // read.
            publish(pod, publisher, healthy, "x".repeat(250_000), 1, 100);
            publish(pod, publisher, healthy, "{\"progress\":50}", 1_000, 40);
            publish(pod, publisher, healthy, "", 1_000, 80);
            healthy.assertNothingMore();
            assertThat(pod.status("/q/health/ready")).isEqualTo(200);
            assertThat(pod.log()).doesNotContain("OutOf");
            doomed.forEach(RawClient::close);
            sleepers.forEach(RawClient::close);
            await().until(() -> pending(pod) == 0);
        } finally {
            doomed.forEach(RawClient::close);
            sleepers.forEach(RawClient::close);
        }
    }

    @Test
    void fullPodClosesTheClientsWithMostDataWaiting() {
        int max = 4 * MEGABYTE;
        Map<String, String> bounded = new HashMap<>(config);
        bounded.put("sluice.outbox.max-total-bytes", "" + max);
        String payload = "x".repeat(100_000);
        byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
        try (Redis redis = Redis.start();
                Redis.Publisher publisher = redis.publisher();
                Pod pod = Pod.ready(redis, bounded, LITTLE_MEMORY);
                Client healthy = Client.of(pod, "healthy")) {
            // Together they could have 16 MB waiting.
            for (int i = 0; i < 16; i++) {
                sleepers.add(RawClient.narrow(pod, "sleeper-" + i));
            }
            await().until(() -> {
                for (int i = 0; i < sleepers.size(); i++) {
                    publisher.publish("user:sleeper-" + i, bytes);
                }
                publisher.publish("user:healthy", bytes);
                assertThat(healthy.next()).isEqualTo(payload);
                // Closing connections, and a batch on each event loop, may come on top.
                assertThat(pending(pod)).isLessThan(max + 4 * MEGABYTE);
                return pod.metric("sluice_refused_total{limit=\"outbox-total-bytes\"}") >= 6;
            });
            assertThat(pod.disconnects("outbox_full")).isGreaterThanOrEqualTo(6);
            assertThat(pod.status("/q/health/ready")).isEqualTo(200);
        } finally {
            sleepers.forEach(RawClient::close);
        }
    }

    /**
     * Publishes in rounds, so that the healthy client keeps up: in each round some to subscribers and twice as many to
     * the user. Goes on until enough waves of clients have connected: how many rounds a wave lasts depends on how fast
     * the pod closes its connections.
     */
    private void publish(Pod pod, Redis.Publisher publisher, Client healthy, String payload, int times, int rounds) {
        byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
        Instant deadline = Instant.now().plusSeconds(90);
        for (int round = 0; round < rounds || doomedSoFar < WAVES * CROWD; round++) {
            assertThat(Instant.now())
                    .as("%d clients connected in waves within %d rounds", doomedSoFar, round)
                    .isBefore(deadline);
            doomed.removeIf(RawClient::isGone);
            if (doomed.isEmpty()) {
                for (int i = 0; i < CROWD; i++) {
                    doomed.add(RawClient.narrow(pod, "crowd"));
                }
                doomedSoFar += CROWD;
                // Kernels buffer more small messages than the test can publish.
                fill(pod, publisher, healthy);
            }
            for (String channel : new String[] {"user:crowd", "upload:" + upload, "user:crowd"}) {
                publisher.publish(channel, bytes, times);
                for (int i = 0; i < times; i++) {
                    assertThat(healthy.next()).isEqualTo(payload);
                }
            }
            assertBounded(pod);
        }
    }

    private void fill(Pod pod, Redis.Publisher publisher, Client healthy) {
        String large = "y".repeat(100_000);
        for (double before = pending(pod); pending(pod) < before + MEGABYTE / 4; ) {
            publisher.publish("user:crowd", large.getBytes(StandardCharsets.UTF_8));
            assertThat(healthy.next()).isEqualTo(large);
            assertBounded(pod);
        }
    }

    private void assertBounded(Pod pod) {
        int connections = sleepers.size() + doomed.size() + 1;
        List<Double> pending = pod.metrics("sluice_outbox_pending_bytes", "sluice_feed_pending_bytes");
        assertThat(pending.get(0)).isLessThanOrEqualTo(connections * MEGABYTE);
        assertThat(pending.get(1)).isLessThanOrEqualTo(LOOPS * (MAX_FEED_PENDING + MAX_READ));
    }

    private static double pending(Pod pod) {
        return pod.metric("sluice_outbox_pending_bytes");
    }
}
