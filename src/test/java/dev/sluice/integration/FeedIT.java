package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The subscription recovers by itself after faults of Redis or of the connection. */
@Tag("chaos")
class FeedIT {

    private static final String READY = "/q/health/ready";

    @AutoClose
    private static Redis sharedRedis;

    /** The pod of tests after which it hears Redis again. */
    @AutoClose
    private static Pod sharedPod;

    @BeforeAll
    static void start() {
        sharedRedis = Redis.start();
        sharedPod = Pod.ready(sharedRedis, Map.of());
    }

    @Test
    void recoversFromACutConnection() {
        Redis redis = sharedRedis;
        try (Client client = Client.of(sharedPod, "7")) {
            for (int i = 0; i < 5; i++) {
                assertThat(redis.cutSubscribers()).isEqualTo(1);
                awaitHearing(redis, client, "round " + i);
                assertThat(redis.patterns())
                        .as("one subscription, not one more")
                        .isEqualTo(2);
            }
            assertThat(client.isOpen()).isTrue();
        }
    }

    @Test
    void survivesRedisKilledAndRestartedTenTimesUnderTraffic() throws InterruptedException {
        Redis redis = sharedRedis;
        Pod pod = sharedPod;
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            clients.add(Client.of(pod, "u" + i).subscribe("42"));
        }
        Thread traffic = new Thread(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                try {
                    redis.publish("upload:42", "traffic");
                } catch (RuntimeException down) {
                    // Redis will start again.
                }
                LockSupport.parkNanos(2_000_000);
            }
        });
        traffic.setDaemon(true);
        traffic.start();
        for (int i = 0; i < 10; i++) {
            redis.kill();
            await("unsubscribed").until(() -> pod.status(READY) == 503);
            assertThat(pod.status("/q/health/live")).isEqualTo(200);
            redis.startAgain();
            await("ready").until(() -> pod.status(READY) == 200);
        }
        traffic.interrupt();
        traffic.join();
        for (int i = 0; i < clients.size(); i++) {
            Client client = clients.get(i);
            assertThat(client.isOpen()).isTrue();
            redis.publish("user:u" + i, "still here");
            client.awaitMessage("still here");
            client.close();
        }
        assertThat(redis.patterns()).isEqualTo(2);
    }

    @Tag("long")
    @Test
    void survivesASilentServer() throws IOException {
        Map<String, String> config = Map.of(
                "sluice.feed.connect-timeout", "100ms",
                "sluice.feed.backoff.initial", "10ms",
                "sluice.feed.backoff.max", "20ms");
        try (Redis redis = Redis.absent();
                SilentServer silent = new SilentServer(redis.port());
                Pod pod = Pod.started(redis, config)) {
            // More than any connection pool has.
            await("attempts").until(() -> silent.connections() > 40);
            assertThat(pod.status(READY)).isEqualTo(503);
            silent.stop();
            redis.startAgain();
            await("ready").until(() -> pod.status(READY) == 200);
            // An attempt before may have subscribed too late.
            await("one subscription").until(() -> redis.patterns() == 2);
            silent.awaitLeftByAll();
        }
    }

    /** Publishes until the client hears it. */
    private static void awaitHearing(Redis redis, Client client, String message) {
        await("hearing again").until(() -> {
            redis.publish("user:7", message);
            return client.hasHeard(message);
        });
    }
}
