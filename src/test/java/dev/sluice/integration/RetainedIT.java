package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tests which publications are retained, how many, and how long. */
class RetainedIT {

    /** A test interrupts it. */
    @AutoClose
    private static Redis redis;

    /** A pod with low limits of channels and bytes; the payloads decide which limit applies first. */
    @AutoClose
    private static Pod bounded;

    private final String upload = Stage.upload();

    @BeforeAll
    static void start() {
        redis = Redis.start();
        bounded = Pod.ready(
                redis,
                Map.of(
                        "sluice.routes.team.audience", "subscribers",
                        "sluice.routes.team.access", "open",
                        "sluice.routes.job.audience", "subscribers",
                        "sluice.routes.job.access", "open",
                        "sluice.routes.job.retain", "last",
                        "sluice.retain.max-channels", "10",
                        "sluice.retain.max-bytes", "1M"));
    }

    @Test
    void otherRoutesRetainNothing() {
        try (Client client = Client.of(bounded, "7")) {
            redis.publish("team:red", "gone");
            redis.publish("job:1", "kept");
            bounded.awaitHandled(redis);
            client.send("{\"action\":\"subscribe\",\"channels\":[\"team:red\",\"job:1\"]}");
            assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"team:red\"}");
            assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"job:1\",\"retained\":true}");
            assertThat(client.next()).isEqualTo("kept");
        }
    }

    @Tag("long")
    @Test
    void retainedPublicationExpires() {
        try (Pod pod = Pod.ready(redis, Map.of("sluice.retain.max-age", "2s"));
                Client client = Client.of(pod, "7")) {
            await("young").until(() -> {
                redis.publish("upload:" + upload, "young");
                pod.awaitHandled(redis);
                if (client.subscribes(upload)) {
                    return client.next().equals("young");
                }
                // The machine was too slow for the publication's age.
                client.unsubscribe(upload);
                return false;
            });
            await("too old").until(() -> {
                client.unsubscribe(upload);
                boolean retained = client.subscribes(upload);
                return !retained || !client.next().equals("young");
            });
            client.assertNothingMore();
        }
    }

    @Test
    void retainedChannelsAreBounded() {
        try (Client client = Client.of(bounded, "7")) {
            List<String> uploads =
                    IntStream.range(0, 100).mapToObj(i -> Stage.upload()).toList();
            uploads.forEach(one -> redis.publish("upload:" + one, one));
            bounded.awaitHandled(redis);
            int kept = 0;
            for (String one : uploads) {
                if (client.subscribes(one)) {
                    assertThat(client.next()).isEqualTo(one);
                    kept++;
                }
            }
            assertThat(kept).isBetween(1, 10);
            // Publications of other tests count as well.
            assertThat(bounded.metric("sluice_retained_channels")).isBetween((double) kept, 10.0);
        }
    }

    @Test
    void retainedBytesAreBounded() {
        // The maximum number of channels would take 2 MB.
        String large = "x".repeat(200_000);
        for (int i = 0; i < 25; i++) {
            redis.publish("upload:" + Stage.upload(), large);
        }
        bounded.awaitHandled(redis);
        assertThat(bounded.metric("sluice_retained_bytes")).isBetween(200_000.0, 1_048_576.0);
        assertThat(bounded.metric("sluice_retained_channels")).isBetween(1.0, 10.0);
    }

    @Test
    void interruptionClearsRetainedPublications() {
        try (Client client = Client.of(bounded, "7").subscribe(upload)) {
            redis.publish("upload:" + upload, "before");
            assertThat(client.next()).isEqualTo("before");
            assertThat(bounded.metric("sluice_retained_channels")).isPositive();
            assertThat(bounded.metric("sluice_retained_bytes")).isGreaterThan("before".length());
            redis.kill();
            await("unsubscribed").until(() -> bounded.status("/q/health/ready") == 503);
            bounded.awaitMetric("sluice_retained_channels", 0);
            bounded.awaitMetric("sluice_retained_bytes", 0);
            // The client's subscription lasts, but the retained publication is gone.
            try (Client late = Client.of(bounded, "8")) {
                assertThat(late.subscribes(upload)).isFalse();
                redis.startAgain();
                bounded.awaitReady();
                client.unsubscribe(upload);
                assertThat(client.subscribes(upload)).isFalse();
                redis.publish("upload:" + upload, "after");
                assertThat(client.next()).isEqualTo("after");
                assertThat(late.next()).isEqualTo("after");
            }
            try (Client late = Client.of(bounded, "9")) {
                assertThat(late.subscribeToRetained(upload).next()).isEqualTo("after");
            }
        }
    }
}
