package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A pod that does not hear Redis reports it to probes and clients, and recovers by itself. */
@Order(2)
@Tag("chaos")
class GapIT {

    private static final String READY = "/q/health/ready";
    private static final String LIVE = "/q/health/live";

    /** Shorter intervals than the defaults. */
    private static final Map<String, String> QUICK = Map.of(
            "sluice.canary.interval", "500ms",
            // A slow machine must not cause a gap.
            "sluice.canary.missed-beats", "6",
            "sluice.feed.connect-timeout", "1s",
            "sluice.feed.backoff.max", "500ms",
            "sluice.gap.spread", "200ms");

    @AutoClose
    private static Redis sharedRedis;

    /** The network between the two. */
    @AutoClose
    private static TcpProxy network;

    /** The shared pod, for interruptions without lasting effects. */
    @AutoClose
    private static Pod sharedPod;

    @BeforeAll
    static void start() {
        sharedRedis = Redis.start();
        network = new TcpProxy(sharedRedis.port());
        sharedPod = Pod.ready(sharedRedis, quick("quarkus.redis.hosts", network.redisUri()));
    }

    @BeforeEach
    void awaitReady() {
        sharedPod.awaitReady();
    }

    @Test
    void frozenRedisIsDetectedAndReported() {
        double gaps = sharedPod.metric("sluice_feed_gaps_total");
        try (Client client = Client.of(sharedPod, "7")) {
            sharedRedis.publish("upload:42", "before");
            sharedRedis.freeze();
            Instant frozen = Instant.now();
            await("unready").until(() -> sharedPod.status(READY) == 503);
            assertThat(sharedPod.status(LIVE)).isEqualTo(200);
            Json gap = nextGap(client);
            assertThat(gap.getString("until")).isNull();
            assertThat(since(gap)).isBefore(frozen.plusMillis(1)).isAfter(frozen.minusSeconds(20));
            assertThat(sharedPod.metric("sluice_feed_live")).isZero();
            try (Client meanwhile = Client.of(sharedPod, "8")) {
                assertThat(since(nextGap(meanwhile))).isEqualTo(since(gap));
                await("unready and alive, for longer than an attempt to connect may take")
                        .during(2, TimeUnit.SECONDS)
                        .until(() -> sharedPod.status(READY) == 503 && sharedPod.status(LIVE) == 200);
                sharedRedis.thaw();
                await("ready").until(() -> sharedPod.status(READY) == 200);
                for (Client told : List.of(client, meanwhile)) {
                    Json over = nextGap(told);
                    assertThat(since(over)).isEqualTo(since(gap));
                    assertThat(Instant.parse(over.getString("until"))).isAfter(frozen.plusSeconds(2));
                }
                sharedRedis.publish("user:8", "after");
                meanwhile.awaitMessage("after");
            }
            assertThat(client.subscribes("42"))
                    .as("what was retained may be old")
                    .isFalse();
            sharedPod.awaitMetric("sluice_feed_gaps_total", gaps + 1);
            awaitOneSubscription(sharedRedis);
        }
    }

    @Test
    void silentConnectionIsDetected() {
        Pod pod = sharedPod;
        Redis redis = sharedRedis;
        try (Client client = Client.of(pod, "7")) {
            network.swallow();
            await("unready").until(() -> pod.status(READY) == 503);
            assertThat(nextGap(client).getString("until")).isNull();
            network.heal();
            await("ready").until(() -> pod.status(READY) == 200);
            assertThat(nextGap(client).getString("until")).isNotNull();
            redis.publish("user:7", "after");
            client.awaitMessage("after");
            network.cut();
            assertThat(nextGap(client).getString("until")).isNull();
            assertThat(nextGap(client).getString("until")).isNotNull();
        }
    }

    @Test
    void everyInterruptionIsReportedWithBeginAndEnd() {
        try (Client client = Client.of(sharedPod, "7")) {
            for (int i = 0; i < 3; i++) {
                sharedRedis.cutSubscribers();
                Json open = nextGap(client);
                assertThat(open.getString("until")).isNull();
                Json over = nextGap(client);
                assertThat(since(over)).isEqualTo(since(open));
                assertThat(Instant.parse(over.getString("until"))).isAfter(since(open));
            }
            client.assertNothingMore();
            assertThat(client.hasHeardOfGap()).isFalse();
        }
    }

    @Test
    void lostCanaryPublisherIsAGap() {
        try (Client client = Client.of(sharedPod, "7")) {
            sharedRedis.cutNormalClients();
            assertThat(nextGap(client).getString("until")).isNull();
            assertThat(nextGap(client).getString("until")).isNotNull();
            sharedRedis.publish("user:7", "after");
            assertThat(client.next()).isEqualTo("after");
            awaitOneSubscription(sharedRedis);
        }
    }

    @Test
    void podRetriesWhileRedisHasTooManyClients() {
        try (Client client = Client.of(sharedPod, "7");
                Redis.Admin admin = sharedRedis.admin()) {
            admin.command("CONFIG", "SET", "maxclients", "1");
            admin.command("CLIENT", "KILL", "TYPE", "pubsub");
            await("unready").until(() -> sharedPod.status(READY) == 503);
            assertThat(nextGap(client).getString("until")).isNull();
            admin.command("CONFIG", "SET", "maxclients", "1000");
            await("ready").until(() -> sharedPod.status(READY) == 200);
            assertThat(nextGap(client).getString("until")).isNotNull();
        }
    }

    @Tag("long")
    @Test
    void gapMessagesAreSpread() {
        try (Redis redis = Redis.start();
                Pod pod = Pod.ready(redis, Map.of("sluice.gap.spread", "3s"))) {
            List<Client> clients = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                clients.add(Client.of(pod, "u" + i));
            }
            // Thirty moments in three seconds are never all within one, unless the machine pauses meanwhile.
            await("messages that are spread").until(() -> secondsBetweenGaps(redis, clients) > 1);
            clients.forEach(Client::close);
        }
    }

    /** Interrupts the pod, and returns the seconds from the first message about it to the last. */
    private static double secondsBetweenGaps(Redis redis, List<Client> clients) {
        redis.cutSubscribers();
        long start = System.nanoTime();
        List<Double> seconds = new ArrayList<>();
        List<Client> waiting = new ArrayList<>(clients);
        while (!waiting.isEmpty()) {
            waiting.removeIf(client -> client.hasHeardOfGap() && seconds.add((System.nanoTime() - start) / 1e9));
            pause();
        }
        clients.forEach(Client::nextGap);
        return seconds.get(seconds.size() - 1) - seconds.get(0);
    }

    @Test
    void podWaitsForAnAbsentRedisAndStaysReadyDuringAnOutageIfReadinessIsOfTheStartup() {
        try (Redis redis = Redis.absent();
                Pod pod = Pod.started(redis, quick("sluice.readiness.redis", "startup"));
                Client client = Client.of(pod, "7")) {
            assertThat(pod.status(READY)).as("it has never heard anything").isEqualTo(503);
            assertThat(pod.status(LIVE)).isEqualTo(200);
            assertThat(pod.status("/q/health/started")).isEqualTo(200);
            assertThat(pod.metric("sluice_feed_live")).isZero();
            redis.startAgain();
            await("ready").until(() -> pod.status(READY) == 200);
            redis.publish("user:7", "at last");
            client.awaitMessage("at last");
            assertThat(pod.metric("sluice_feed_live")).isEqualTo(1);
            redis.kill();
            await("unsubscribed").until(() -> pod.metric("sluice_feed_live") == 0);
            assertThat(pod.status(READY)).isEqualTo(200);
            try (Client late = Client.of(pod, "8")) {
                assertThat(nextGap(late).getString("until")).isNull();
            }
        }
    }

    @Test
    void canaryLatencyIsMeasured() {
        await("beats").until(() -> sharedPod.metric("sluice_canary_latency_seconds_count") > 10);
        double seconds = sharedPod.metric("sluice_canary_latency_seconds_sum");
        assertThat(seconds).isPositive().isLessThan(sharedPod.metric("sluice_canary_latency_seconds_count"));
    }

    @Tag("long")
    @Test
    void missingRedisRightIsLoggedAndMinimalRightsAreEnough() {
        try (Redis redis = Redis.start();
                Redis.Admin admin = redis.admin();
                Pod pod = Pod.started(redis, restricted(redis, "&upload:*", "&user:*"))) {
            await("reason").until(() -> pod.log().contains("NOPERM"));
            pod.awaitLog("its ACL must have &sluice:* &u");
            assertThat(pod.status(READY)).isEqualTo(503);
            admin.command("ACL", "SETUSER", "sluice", "&sluice:*");
            pod.awaitReady();
            try (Client client = Client.of(pod, "7")) {
                redis.publish("user:7", "hello");
                assertThat(client.next()).isEqualTo("hello");
                await("renewal, without the right to ask for the role")
                        .until(() -> pod.metric("sluice_canary_reconnects_total{outcome=\"proven\"}") >= 2);
            }
        }
    }

    /** Returns the configuration of a pod whose Redis user may subscribe and publish only on these channels. */
    private static Map<String, String> restricted(Redis redis, String... channels) {
        List<String> rights = new ArrayList<>(List.of("ACL", "SETUSER", "sluice", "on", ">secret", "resetchannels"));
        rights.addAll(List.of(channels));
        rights.addAll(List.of("+subscribe", "+psubscribe", "+publish"));
        try (Redis.Admin admin = redis.admin()) {
            admin.command(rights.toArray(String[]::new));
        }
        return Map.of(
                "quarkus.redis.hosts", "redis://sluice:secret@127.0.0.1:" + redis.port(),
                "sluice.canary.reconnect", "500ms",
                "sluice.canary.interval", "200ms");
    }

    private static Map<String, String> quick(String key, String value) {
        Map<String, String> config = new HashMap<>(QUICK);
        config.put(key, value);
        return config;
    }

    /** Pauses shortly, so that the pod gets the core. */
    private static void pause() {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }

    private static void awaitOneSubscription(Redis redis) {
        await("one subscription, which has two patterns").until(() -> redis.patterns() == 2);
    }

    private static Json nextGap(Client client) {
        String message = client.nextGap();
        assertThat(message).startsWith("{\"action\":\"gap\",\"since\":\"");
        return Json.from(message);
    }

    private static Instant since(Json gap) {
        return Instant.parse(gap.getString("since"));
    }
}
