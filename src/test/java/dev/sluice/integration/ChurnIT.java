package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Redis;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Lets clients and Redis come and go for an hour, after which nothing is left behind. */
@Tag("chaos")
class ChurnIT {

    /** More than the connections that traces show. */
    private static final int WARM_UP = 6;

    private static final int ROUNDS = Histories.halfOf(12);
    private static final int CLIENTS = 100;

    /** The growth allowed for caches, metrics and compiled code. */
    private static final long HEAP_TOLERANCE = Histories.halfOf(4 << 20);

    private final Redis redis = Redis.start();
    private final Pod pod = Pod.ready(redis, Map.of());

    @Tag("long")
    @Test
    void clientChurnLeaksNothing() {
        try (redis;
                pod) {
            for (int i = 0; i < WARM_UP; i++) {
                round(i);
            }
            awaitEmpty();
            long heap = pod.liveHeap();
            long files = pod.openFiles();
            for (int i = 0; i < ROUNDS; i++) {
                round(i);
            }
            awaitEmpty();
            pod.awaitDisconnects((ROUNDS + WARM_UP) * CLIENTS);
            assertThat(pod.liveHeap()).isLessThan(heap + HEAP_TOLERANCE);
            // Files of connections of probes and of this test may come and go.
            await().untilAsserted(() -> assertThat(pod.openFiles()).isBetween(files - 5, files + 5));
        }
    }

    private void round(int number) {
        List<RawClient> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            RawClient client = i % 10 == 0 ? RawClient.narrow(pod, "u" + i) : RawClient.of(pod, "u" + i);
            clients.add(client.text(
                    "{\"action\":\"subscribe\",\"channels\":[\"upload:%d\",\"upload:%d\"]}".formatted(i, i % 7)));
        }
        for (int i = 0; i < CLIENTS; i++) {
            redis.publish("upload:" + i, "x".repeat(10_000));
            redis.publish("user:u" + i, "hello");
        }
        switch (number % 3) {
            case 0 -> redis.cutSubscribers();
            case 1 -> {
                redis.kill();
                redis.startAgain();
            }
            default -> redis.cutNormalClients();
        }
        for (int i = 0; i < CLIENTS; i++) {
            if (i % 2 == 0) {
                clients.get(i).reset();
            } else {
                clients.get(i).end();
            }
        }
        await("the feed").until(() -> pod.status("/q/health/ready") == 200);
        await("one subscription").until(() -> redis.patterns() == 2);
    }

    private void awaitEmpty() {
        await("empty").untilAsserted(() -> {
            for (String gauge : new String[] {
                "sluice_users",
                "sluice_subscriptions",
                "sluice_outbox_pending_bytes",
                "sluice_feed_pending_bytes",
                "sluice_connections{state=\"authenticated\"}",
                "sluice_connections{state=\"unauthenticated\"}"
            }) {
                assertThat(pod.metric(gauge)).as(gauge).isZero();
            }
        });
        await("one that subscribes, one that publishes").until(() -> redis.clients() == 2);
    }
}
