package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Tests that pods follow the configured address when it leads to another server or to a replica, while old connections
 * stay open.
 */
@Order(2)
@Tag("chaos")
class RedisAddressIT {

    private static final String READY = "/q/health/ready";
    private static final String PROVEN = "sluice_canary_reconnects_total{outcome=\"proven\"}";
    private static final String FAILED = "sluice_canary_reconnects_total{outcome=\"failed\"}";
    private static final String GAPS = "sluice_feed_gaps_total";
    private static final String SECRET = "a secret of the fleet's, long enough";
    private static final String LOST = "sluice_canary_reconnects_total{outcome=\"lost\"}";

    private static final Map<String, String> QUICK = Map.of(
            "sluice.canary.interval", "200ms",
            // A slow machine must not cause a gap.
            "sluice.canary.missed-beats", "15",
            "sluice.canary.reconnect", "1s",
            "sluice.feed.connect-timeout", "2s",
            "sluice.feed.backoff.max", "500ms",
            "sluice.gap.spread", "200ms");

    /** The address of the shared pod's Redis. */
    private static TcpProxy address;

    /** The server to which the address leads. */
    private static Redis server;

    /** A pod that all tests move which need no other configuration. */
    private static Pod pod;

    @BeforeAll
    static void start() {
        server = Redis.start();
        address = new TcpProxy(server.port());
        Map<String, String> config = quick("quarkus.redis.hosts", address.redisUri());
        config.put("sluice.control.secret", SECRET);
        pod = Pod.ready(server, config);
    }

    @AfterAll
    static void stop() {
        pod.close();
        address.close();
        server.close();
    }

    @BeforeEach
    void awaitSubscription() {
        address.leadTo(server.port());
        pod.awaitReady();
        await("subscribed").until(() -> server.patterns() == 2);
    }

    /** Makes the address lead to another server from now on; returns the old one, which the caller closes. */
    private static Redis move() {
        Redis old = server;
        server = Redis.start();
        address.leadTo(server.port());
        return old;
    }

    @Test
    void movedAddressIsDetectedWhileTheOldServerAnswers() {
        double lost = pod.metric(LOST);
        double gaps = pod.metric(GAPS);
        try (Client client = Client.of(pod, "7")) {
            server.publish("user:7", "before");
            client.awaitMessage("before");
            try (Redis old = move()) {
                await("gap").until(() -> {
                    // Publishers with old connections keep the subscription busy.
                    old.publish("user:7", "old");
                    return pod.metric(LOST) == lost + 1;
                });
                assertThat(client.nextGap()).contains("\"until\":null");
                assertThat(client.nextGap()).doesNotContain("\"until\":null");
                await("ready").until(() -> pod.status(READY) == 200);
                server.publish("user:7", "moved");
                client.awaitMessage("moved");
                pod.awaitMetric(GAPS, gaps + 1);
                pod.awaitLog("leads to another server");
                await("nothing is left there").until(() -> old.patterns() == 0);
            }
        }
    }

    @Tag("long")
    @Test
    void nameWhoseAddressChangesIsFollowed() throws IOException {
        assumeThat(Pod.isNative()).as("options of the JVM").isFalse();
        Path hosts = Fork.file("hosts").toAbsolutePath();
        Files.writeString(hosts, "127.0.0.1 redis.test localhost\n");
        try (Redis old = Redis.start();
                Redis moved = Redis.start();
                TcpProxy elsewhere = new TcpProxy(InetAddress.getByName("127.0.0.2"), old.port(), moved.port());
                Pod own = Pod.ready(
                        old,
                        quick("quarkus.redis.hosts", "redis://redis.test:" + old.port()),
                        List.of("-Djdk.net.hosts.file=" + hosts, "-Dsun.net.inetaddr.ttl=1"));
                Client client = Client.of(own, "7")) {
            assertThat(elsewhere.port()).isEqualTo(old.port());
            Files.writeString(hosts, "127.0.0.2 redis.test\n127.0.0.1 localhost\n");
            await("heard where the name leads to").until(() -> {
                moved.publish("user:7", "moved");
                return client.hasHeard("moved");
            });
            own.awaitMetric(LOST, 1);
        }
    }

    @Tag("long")
    @Test
    void apiFollowsTheAddress() {
        Map<String, String> config = quick("quarkus.redis.hosts", address.redisUri());
        config.put("sluice.control.secret", SECRET);
        try (Pod two = Pod.ready(server, config);
                Client client = Client.of(two, "7")) {
            assertThat(publish(pod)).isEqualTo("{\"receivers\":2}");
            try (Redis old = move()) {
                client.awaitMessage("posted");
                // One answer may still come from the old server, which both hear until they detect the change.
                await("both pods").until(() -> server.publish("user:8", "where") == 2);
                await("published there").until(() -> publish(pod).equals("{\"receivers\":2}"));
                client.awaitMessage("posted");
                assertThat(old.publish("user:8", "where")).isZero();
            }
            assertThat(Api.operator(pod).delete("/api/users/7/connections").body())
                    .contains("\"receivers\":2");
            assertThat(client.closeCode()).isEqualTo(4503);
        }
    }

    /** Quarkus's pooled client keeps a connection as long as it is used. */
    @Test
    void busyCommandConnectionFollowsTheAddress() {
        assertThat(publish(pod)).isEqualTo("{\"receivers\":1}");
        try (Redis old = move()) {
            await("subscribed there").until(() -> {
                publish(pod);
                return old.patterns() == 0 && server.patterns() == 2;
            });
            await("published there").until(() -> publish(pod).equals("{\"receivers\":1}"));
        }
    }

    @Tag("long")
    @Test
    void commandConnectionsAreReplacedWithoutErrorOrLeak() {
        try (Redis redis = Redis.start();
                Pod own = Pod.ready(redis, quick("sluice.canary.reconnect", "100ms"))) {
            List<String> answers = new ArrayList<>();
            await("many replacements").atMost(60, TimeUnit.SECONDS).until(() -> {
                answers.add(publish(own));
                return own.metric(PROVEN) >= 10 && answers.size() > 10;
            });
            assertThat(answers).containsOnly("{\"receivers\":1}");
            awaitTwoConnections(redis);
            long files = own.openFiles();
            awaitProven(own, 25);
            awaitTwoConnections(redis);
            await("files").until(() -> own.openFiles() <= files + 1);
            assertThat(redis.patterns()).isEqualTo(2);
            assertThat(own.metric(GAPS)).isZero();
        }
    }

    @Test
    void subscriptionContinuesWithoutANewConnection() throws IOException {
        double gaps = pod.metric(GAPS);
        try (SilentServer silent = new SilentServer(0);
                Client client = Client.of(pod, "7")) {
            awaitMoreProven(1);
            // No server listens on the port.
            address.leadTo(1);
            awaitMoreFailed(2);
            address.leadTo(silent.port());
            awaitMoreFailed(2);
            server.publish("user:7", "still");
            assertThat(client.next()).isEqualTo("still");
            pod.awaitLog("can't make a new connection to Redis");
            address.leadTo(server.port());
            awaitMoreProven(1);
            assertThat(pod.metric(GAPS)).isEqualTo(gaps);
        }
    }

    @Tag("long")
    @Test
    void replicaIsRefused() {
        try (Redis master = Redis.start();
                Redis replica = Redis.replicaOf(master);
                Pod own = Pod.started(replica, QUICK)) {
            await("reason").until(() -> own.log().contains("is a replica"));
            assertThat(own.status(READY)).isEqualTo(503);
            assertThat(Api.operator(own).get(READY).body()).contains("\"reason\"", "is a replica");
            assertThat(Api.publisher(own)
                            .post("/api/channels/user:7/messages", "x")
                            .statusCode())
                    .isEqualTo(503);
        }
    }

    @Test
    void demotedMasterIsRefusedUntilItIsMasterAgain() {
        try (Redis other = Redis.start();
                Client client = Client.of(pod, "7");
                Redis.Admin admin = server.admin()) {
            admin.command("REPLICAOF", "127.0.0.1", "" + other.port());
            await("unready").until(() -> pod.status(READY) == 503);
            assertThat(client.nextGap()).contains("\"until\":null");
            pod.awaitLog("is a replica");
            admin.command("REPLICAOF", "NO", "ONE");
            await("ready").until(() -> pod.status(READY) == 200);
            server.publish("user:7", "master again");
            client.awaitMessage("master again");
        }
    }

    @Test
    void podLeavesAnOldMasterThatStopsReplicating() {
        try (Client client = Client.of(pod, "7");
                Redis old = move();
                Redis.Admin admin = old.admin()) {
            admin.command("REPLICAOF", "127.0.0.1", "" + server.port());
            awaitMoreProven(2);
            admin.command("REPLICAOF", "NO", "ONE");
            await("heard").until(() -> {
                server.publish("user:7", "moved");
                return client.hasHeard("moved");
            });
            await("ready").until(() -> pod.status(READY) == 200);
        }
    }

    private static String publish(Pod pod) {
        return Api.publisher(pod)
                .post("/api/channels/user:7/messages", "posted")
                .body();
    }

    private static void awaitMoreProven(int times) {
        awaitProven(pod, pod.metric(PROVEN) + times);
    }

    private static void awaitMoreFailed(int times) {
        double before = pod.metric(FAILED);
        await("failures").until(() -> pod.metric(FAILED) >= before + times);
    }

    private static void awaitProven(Pod pod, double times) {
        await("renewals").atMost(60, TimeUnit.SECONDS).until(() -> pod.metric(PROVEN) >= times);
    }

    /** Waits for two connections: one subscribes, one publishes beats. */
    private static void awaitTwoConnections(Redis redis) {
        await("no connection too many").until(() -> redis.clients() == 2);
    }

    private static Map<String, String> quick(String key, String value) {
        Map<String, String> config = new HashMap<>(QUICK);
        config.put(key, value);
        return config;
    }
}
