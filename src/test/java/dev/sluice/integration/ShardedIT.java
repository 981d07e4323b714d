package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.RedisCluster;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Pods that subscribe on the shards of a Redis Cluster hear everything there, or tell of a gap of exactly these channels. */
@Tag("chaos")
class ShardedIT {

    private static RedisCluster cluster;
    private static Pod pod;

    @BeforeAll
    static void start() {
        Program.named("redis-check-rdb");
        cluster = RedisCluster.start();
        pod = Pod.ready(
                cluster.nodes().get(0),
                Map.of(
                        "quarkus.redis.client-type", "cluster",
                        "quarkus.redis.hosts", cluster.uris(),
                        "sluice.feed.mode", "sharded",
                        "sluice.feed.linger", "1s",
                        "sluice.canary.interval", "300ms",
                        "sluice.canary.reconnect", "3s",
                        "sluice.feed.backoff.max", "300ms"));
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            pod.close();
            cluster.close();
        }
    }

    @BeforeEach
    void heal() {
        cluster.heal();
        pod.awaitReady();
    }

    @Test
    void podHearsOnlyWhatItsClientsListenToOnItsShard() {
        try (Client client = Client.of(pod, "1")) {
            for (int i = 0; i < 30; i++) {
                String upload = Stage.upload();
                client.subscribe(upload);
                assertThat(cluster.publishToShard("upload:" + upload, "a")).isEqualTo(1);
                assertThat(client.next()).isEqualTo("a");
                assertThat(Api.publisher(pod)
                                .post("/api/channels/upload:" + upload + "/messages", "{\"receivers\":1}")
                                .statusCode())
                        .isEqualTo(202);
                assertThat(client.next()).isEqualTo("{\"receivers\":1}");
            }
            assertThat(cluster.publishToShard("upload:" + Stage.upload(), "b")).isZero();
            assertThat(client.hasHeardOfGap()).isFalse();
        }
    }

    @Test
    void movedSlotIsAGapOfItsChannelsOnly() {
        String moved = Stage.upload();
        String kept = Stage.upload();
        while (cluster.slot("upload:" + kept) == cluster.slot("upload:" + moved)) {
            kept = Stage.upload();
        }
        try (Client client = Client.of(pod, "2").subscribe(moved).subscribe(kept)) {
            cluster.moveSlot(cluster.slot("upload:" + moved));
            assertThat(client.nextGap()).contains("\"channel\":\"upload:" + moved + "\"", "\"until\":null");
            assertThat(client.nextGap())
                    .contains("\"channel\":\"upload:" + moved + "\"")
                    .doesNotContain("\"until\":null");
            assertThat(cluster.publishToShard("upload:" + moved, "after")).isEqualTo(1);
            assertThat(client.next()).isEqualTo("after");
            cluster.publishToShard("upload:" + kept, "kept");
            assertThat(client.next()).isEqualTo("kept");
            assertThat(client.hasHeardOfGap()).isFalse();
        }
    }

    @Test
    void failoverIsAGapOfTheChannelsOfTheShardOnly() {
        Redis victim = cluster.masters().get(0);
        String lost = uploadOn(victim);
        String kept = uploadOn(cluster.masters().get(1));
        try (Client client = Client.of(pod, "3").subscribe(lost).subscribe(kept)) {
            victim.kill();
            String open = client.nextGap();
            for (; !open.contains("upload:" + lost); open = client.nextGap()) {
                // That of the user's own channel, if it is on the same shard.
                assertThat(open).contains("\"channel\":\"user:3\"");
            }
            assertThat(open).contains("\"until\":null");
            for (int i = 0; i < 3; i++) {
                cluster.publishToShard("upload:" + kept, "kept " + i);
                assertThat(client.next()).isEqualTo("kept " + i);
            }
            cluster.awaitMasters();
            await("the replica")
                    .ignoreExceptions()
                    .untilAsserted(() -> assertThat(cluster.publishToShard("upload:" + lost, "after"))
                            .isEqualTo(1));
            client.awaitMessage("after");
            String closed = client.nextGap();
            for (; closed.contains("user:3"); closed = client.nextGap()) {
                assertThat(closed).contains("\"channel\":\"user:3\"");
            }
            assertThat(closed).contains("upload:" + lost).doesNotContain("\"until\":null");
            assertThat(pod.status("/q/health/ready")).isEqualTo(200);
        }
    }

    @Test
    void nothingIsLostUntoldWhileRedisCliMovesSlotsAndAddsANode() {
        List<Redis> masters = cluster.masters();
        try (Load load = new Load("4", 60)) {
            load.awaitPublished(300);
            Map<String, Redis> before = load.masters();
            cluster.reshard(masters.get(0), masters.get(1), 1500);
            Redis added = cluster.addNode();
            cluster.reshard(masters.get(1), added, 2000);
            cluster.awaitWhole();
            load.awaitPublished(600);
            load.assertLossIsInGaps();
            Map<String, Redis> after = load.masters();
            Set<String> unmoved = after.keySet().stream()
                    .filter(channel -> after.get(channel).equals(before.get(channel)))
                    .collect(Collectors.toSet());
            assertThat(load.gaps.keySet()).isNotEmpty().doesNotContainAnyElementsOf(unmoved);
        }
    }

    @Test
    void nothingIsLostUntoldWhenAMasterDies() {
        try (Load load = new Load("5", 30)) {
            load.awaitPublished(300);
            Map<String, Redis> before = load.masters();
            Redis victim = cluster.masters().get(1);
            victim.kill();
            cluster.awaitMasters();
            load.awaitPublished(300);
            await("the end of all gaps").until(load::isWhole);
            load.awaitPublished(300);
            load.assertLossIsInGaps();
            assertThat(load.gaps.keySet())
                    .isNotEmpty()
                    .allMatch(channel -> Objects.equals(before.get(channel), victim));
        }
    }

    private static String uploadOn(Redis master) {
        String upload = Stage.upload();
        while (!cluster.masterOf("upload:" + upload).equals(master)) {
            upload = Stage.upload();
        }
        return upload;
    }

    /** Publishes on many channels in turn, each on its shard, and keeps what a master has confirmed. */
    private static final class Load implements AutoCloseable {

        private record Confirmed(String channel, Instant before, Instant after) {}

        private final Map<String, Confirmed> confirmed = new ConcurrentHashMap<>();

        /** By channel, the gap messages. */
        private final Map<String, List<Json>> gaps = new HashMap<>();

        private final Set<String> heard = new HashSet<>();
        private final List<String> channels = new ArrayList<>();
        private final Client client;
        private final Thread thread;
        private volatile boolean ended;

        Load(String user, int count) {
            client = Client.of(pod, user);
            for (int i = 0; i < count; i++) {
                String upload = Stage.upload();
                channels.add("upload:" + upload);
                client.subscribe(upload);
            }
            thread = new Thread(this::publish);
            thread.start();
        }

        private void publish() {
            Map<String, Redis> masters = new HashMap<>();
            for (int i = 0; !ended; i++) {
                String channel = channels.get(i % channels.size());
                Instant before = Instant.now();
                try {
                    masters.computeIfAbsent(channel, cluster::masterOf).reply("SPUBLISH", channel, "" + i);
                    confirmed.put("" + i, new Confirmed(channel, before, Instant.now()));
                } catch (RuntimeException refused) {
                    // It has moved, or is dead.
                    masters.remove(channel);
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            }
        }

        Map<String, Redis> masters() {
            return channels.stream().collect(Collectors.toMap(channel -> channel, cluster::masterOf));
        }

        void awaitPublished(int more) {
            int before = confirmed.size();
            await("publications").until(() -> confirmed.size() >= before + more);
        }

        private void read() {
            client.rest().forEach(message -> heard.add((String) message));
            for (String gap : client.restOfGaps()) {
                Json message = Json.from(gap);
                String channel = message.getString("channel");
                gaps.computeIfAbsent(channel, missing -> new ArrayList<>()).add(message);
            }
            // The user's own channel may be on any shard.
            gaps.keySet().removeIf(channel -> channel.startsWith("user:"));
        }

        /** Whether every gap has an end. */
        boolean isWhole() {
            read();
            return gaps.values().stream()
                    .allMatch(messages -> messages.get(messages.size() - 1).getString("until") != null);
        }

        void assertLossIsInGaps() {
            end();
            await("the newest of each channel and the ends of gaps")
                    .until(() -> isWhole() && unexplained().isEmpty());
            long lost = confirmed.keySet().stream()
                    .filter(one -> !heard.contains(one))
                    .count();
            System.out.printf(
                    "%d confirmed, %d lost within gaps of %d channels%n", confirmed.size(), lost, gaps.size());
        }

        private List<String> unexplained() {
            return confirmed.entrySet().stream()
                    .filter(one -> !heard.contains(one.getKey()))
                    .filter(one -> gaps.getOrDefault(one.getValue().channel, List.of()).stream()
                            .noneMatch(gap -> covers(gap, one.getValue())))
                    .map(Map.Entry::getKey)
                    .toList();
        }

        private static boolean covers(Json gap, Confirmed one) {
            String until = gap.getString("until");
            return until != null
                    && !one.after.isBefore(Instant.parse(gap.getString("since")))
                    && one.before.isBefore(Instant.parse(until));
        }

        private void end() {
            ended = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {
            end();
            client.close();
        }
    }
}
