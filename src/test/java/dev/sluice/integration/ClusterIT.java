package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.ClusterLoad;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.RedisCluster;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.Tokens;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Pods on a Redis Cluster hear everything that is published on any of its nodes, or tell of a gap. */
@Order(1)
@Tag("chaos")
class ClusterIT {

    private static final Map<String, String> CONFIG = Map.of(
            "quarkus.redis.client-type", "cluster",
            "sluice.canary.interval", "300ms",
            // A slow machine must not cause a gap.
            "sluice.canary.missed-beats", "10",
            "sluice.canary.reconnect", "3s",
            "sluice.gap.spread", "100ms",
            "sluice.feed.backoff.max", "300ms",
            "sluice.routes.owned.audience", "subscribers",
            "sluice.routes.owned.access", "owner");

    private static final String GAPS = "sluice_feed_gaps_total";

    private static RedisCluster cluster;
    private static Pod pod;
    private static Pod other;

    @BeforeAll
    static void start() {
        Program.named("redis-check-rdb");
        cluster = RedisCluster.start();
        Map<String, String> config = new HashMap<>(CONFIG);
        config.put("quarkus.redis.hosts", cluster.uris());
        pod = Pod.ready(cluster.nodes().get(0), config);
        other = Pod.ready(cluster.nodes().get(0), config);
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            other.close();
            pod.close();
            cluster.close();
        }
    }

    @BeforeEach
    void heal() {
        cluster.heal();
        pod.awaitReady();
        other.awaitReady();
    }

    @Test
    void publicationsOnAllNodesArrive() {
        String upload = Stage.upload();
        try (Client one = Client.of(pod, "1").subscribe(upload);
                Client two = Client.of(other, "2").subscribe(upload)) {
            List<String> published = new ArrayList<>();
            for (Redis node : cluster.nodes()) {
                node.publish("upload:" + upload, "from " + node.port());
                published.add("from " + node.port());
            }
            awaitAll(one, published);
            awaitAll(two, published);
            Api.publisher(pod).post("/api/channels/upload:" + upload + "/messages", "by HTTP");
            one.awaitMessage("by HTTP");
            two.awaitMessage("by HTTP");
        }
        assertThat(pod.log()).contains("This pod subscribes to node ");
    }

    @Tag("long")
    @Test
    void exactSubscriptionsHearAllNodes() {
        Map<String, String> exact = new HashMap<>(CONFIG);
        exact.put("quarkus.redis.hosts", cluster.uris());
        exact.put("sluice.feed.mode", "exact");
        try (Pod third = Pod.ready(cluster.nodes().get(0), exact);
                Client client = Client.of(third, "7")) {
            String upload = Stage.upload();
            client.subscribe(upload);
            List<String> published = new ArrayList<>();
            cluster.masters().forEach(node -> {
                node.publish("upload:" + upload, "from " + node.port());
                published.add("from " + node.port());
            });
            awaitAll(client, published);
            assertThat(client.hasHeardOfGap()).isFalse();
            cluster.masters().get(0).kill();
            assertThat(client.nextGap()).contains("\"until\":null");
            assertThat(client.nextGap()).doesNotContain("\"until\":null");
            cluster.masters().get(0).publish("upload:" + upload, "after");
            client.awaitMessage("after");
        }
    }

    @Test
    void ownersAreLookedUpOnTheNodesOfTheirSlots() {
        try (Client client = Client.of(pod, "3")) {
            for (int i = 0; i < 10; i++) {
                String channel = "owned:" + Stage.upload();
                cluster.redisCli(
                        "-c", "-p", "" + cluster.nodes().get(0).port(), "SADD", "sluice:owner:" + channel, "3");
                client.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}");
                assertThat(client.next()).contains("\"subscribed\"");
            }
        }
    }

    @Test
    void podsThatHearTheSameNodeResumeEachOthersClients() {
        String channel = "upload:" + Stage.upload();
        ResumingClient state = new ResumingClient("4", List.of(channel));
        Redis node = cluster.masters().get(1);
        await("a position").until(() -> {
            try (Client client = opened(pod, state)) {
                while (!state.isAnswered()) {
                    state.heard(client.next());
                }
                node.publish(channel, "{\"n\":1}");
                while (state.heard(client.next()).payload().isEmpty()) {
                    Thread.onSpinWait();
                }
                return state.position().isPresent();
            }
        });
        for (Redis each : cluster.masters()) {
            each.publish(channel, "{\"from\":" + each.port() + "}");
        }
        try (Client client = opened(other, state)) {
            List<String> payloads = new ArrayList<>();
            boolean recovered = false;
            while (payloads.size() < cluster.masters().size()) {
                ResumingClient.Frame frame = state.heard(client.next());
                recovered |= frame.isRecovered() && frame.channel().equals(channel);
                assertThat(frame.isRefused()).isFalse();
                frame.payload().ifPresent(payloads::add);
            }
            assertThat(recovered).isTrue();
        }
    }

    /** Nodes have no common order. */
    private static void awaitAll(Client client, List<String> messages) {
        Set<String> missing = new HashSet<>(messages);
        while (!missing.isEmpty()) {
            missing.remove(client.next());
        }
    }

    private static Client opened(Pod at, ResumingClient state) {
        Client client = Client.connect(at.webSocket("/ws"), Map.of(), ResumingClient.SUBPROTOCOL);
        state.opened(Tokens.of("4")).forEach(client::send);
        return client;
    }

    @Tag("long")
    @Test
    void deathOfTheNodeIsAGapAndAnotherNodeIsChosen() {
        Redis node = link();
        try (Client client = Client.of(pod, "5");
                ClusterLoad load = ClusterLoad.onAllNodes(cluster, client, "user:5")) {
            load.awaitPublished(300);
            node.kill();
            load.awaitGaps();
            pod.awaitReady();
            assertThat(link().port()).isNotEqualTo(node.port());
            load.awaitPublished(300);
            load.awaitNothingLostUntold();
        }
    }

    @Test
    void deathOfAnotherMasterIsAGapOnTheSameNode() {
        Redis node = link();
        Redis victim = cluster.masters().stream()
                .filter(master -> master.port() != node.port())
                .findFirst()
                .orElseThrow();
        try (Client client = Client.of(pod, "6");
                ClusterLoad load = ClusterLoad.onAllNodes(cluster, client, "user:6")) {
            load.awaitPublished(300);
            victim.kill();
            load.awaitGaps();
            assertThat(link().port()).isEqualTo(node.port());
            cluster.awaitMasters();
            assertThat(Api.publisher(pod)
                            .post("/api/channels/user:6/messages", "0")
                            .statusCode())
                    .isEqualTo(202);
            load.awaitPublished(300);
            load.awaitNothingLostUntold();
        }
    }

    @Test
    void deathOfAPromotedReplicaIsAGapToo() {
        Redis node = link();
        List<Redis> masters = cluster.masters();
        Redis victim = masters.stream()
                .filter(master -> master.port() != node.port())
                .findFirst()
                .orElseThrow();
        try (Client client = Client.of(pod, "8");
                ClusterLoad load = ClusterLoad.onAllNodes(cluster, client, "user:8")) {
            load.awaitPublished(300);
            victim.kill();
            load.awaitGaps();
            Redis promoted = await("the promotion")
                    .until(
                            () -> cluster.masters().stream()
                                    .filter(master -> !masters.contains(master))
                                    .findFirst(),
                            Optional::isPresent)
                    .orElseThrow();
            double gaps = pod.metric(GAPS);
            promoted.kill();
            await("its gap").until(() -> pod.metric(GAPS) > gaps);
            pod.awaitReady();
            load.awaitPublished(300);
            load.awaitNothingLostUntold();
            // A node that starts drops publications until it is connected to the others.
            double before = pod.metric(GAPS);
            promoted.startAgain();
            await("another gap").until(() -> pod.metric(GAPS) > before);
        }
    }

    /** Returns the node to which the pods subscribe. */
    private static Redis link() {
        List<Redis> links = new ArrayList<>();
        await("one node").untilAsserted(() -> {
            links.clear();
            cluster.running().stream().filter(node -> node.patterns() > 0).forEach(links::add);
            assertThat(links).hasSize(1);
        });
        return links.get(0);
    }
}
