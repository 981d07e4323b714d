package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.harness.Client;
import dev.sluice.harness.ClusterLoad;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.RedisCluster;
import dev.sluice.harness.Tokens;
import dev.sluice.redis.HashSlot;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Pods that subscribe on the shards of a Redis Cluster hear everything there, or tell of a gap of exactly these channels. */
@Order(1)
@Tag("chaos")
class ShardedIT {

    /** The slots of a node that is removed. */
    private static final int REMOVED_SLOTS = 300;

    private static RedisCluster cluster;
    private static Map<String, String> config;
    private static Pod pod;

    @BeforeAll
    static void start() {
        Program.named("redis-check-rdb");
        cluster = RedisCluster.start();
        config = Map.of(
                "quarkus.redis.client-type", "cluster",
                "quarkus.redis.hosts", cluster.uris(),
                "sluice.feed.mode", "sharded",
                "sluice.feed.linger", "1s",
                "sluice.subscriptions.linger", "1s",
                "sluice.canary.interval", "300ms",
                // A slow machine must not cause a gap.
                "sluice.canary.missed-beats", "10",
                "sluice.canary.reconnect", "3s",
                "sluice.feed.backoff.max", "300ms",
                "sluice.console.enabled", "true");
        pod = Pod.ready(cluster.nodes().get(0), config);
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
        // Otherwise a client of the next test is told of the gap of a shard that comes back.
        pod.awaitMetric("sluice_feed_shards{state=\"down\"}", 0);
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
    void podIsConnectedToTheMastersOfWantedChannelsOnly() {
        String live = "sluice_feed_shards{state=\"live\"}";
        String down = "sluice_feed_shards{state=\"down\"}";
        pod.awaitMetric(live, 0);
        pod.awaitMetric(down, 0);
        pod.awaitReady();
        try (Client client = Client.of(pod, "6")) {
            pod.awaitMetric(live, 1);
            cluster.masters().forEach(master -> client.subscribe(uploadOn(master)));
            pod.awaitMetric(live, cluster.masters().size());
        }
        pod.awaitMetric(live, 0);
        pod.awaitMetric(down, 0);
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

    @Tag("long")
    @Test
    void failoverIsAGapOfTheChannelsOfTheShardOnly() {
        Redis victim = cluster.replaceableMaster();
        String lost = uploadOn(victim);
        String kept = uploadOn(cluster.masters().stream()
                .filter(master -> !master.equals(victim))
                .findFirst()
                .orElseThrow());
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

    @Tag("long")
    @Test
    void nothingIsLostUntoldWhileRedisCliMovesSlotsAndAddsANode() {
        List<Redis> masters = cluster.masters();
        List<String> channels = channels(60);
        try (Client client = listening("4", channels);
                ClusterLoad load = ClusterLoad.onShards(cluster, client, channels)) {
            load.awaitPublished(300);
            Map<String, Redis> before = masters(channels);
            cluster.reshard(masters.get(0), masters.get(1), 1500);
            Redis added = cluster.addNode();
            cluster.reshard(masters.get(1), added, 2000);
            cluster.awaitWhole();
            load.awaitPublished(600);
            load.awaitNothingLostUntold();
            Map<String, Redis> after = masters(channels);
            Set<String> unmoved = channels.stream()
                    .filter(channel -> after.get(channel).equals(before.get(channel)))
                    .collect(Collectors.toSet());
            assertThat(load.channelsWithGaps()).isNotEmpty().doesNotContainAnyElementsOf(unmoved);
        }
    }

    @Tag("long")
    @Test
    void nothingIsLostUntoldWhileRedisCliRemovesANode() {
        // Tests of the cluster without the node would find replicas at other masters.
        try (RedisCluster own = RedisCluster.start()) {
            Redis first = own.masters().get(0);
            Redis added = own.addNode();
            own.reshard(first, added, REMOVED_SLOTS);
            own.awaitWhole();
            List<String> moving = Stream.generate(Stage::upload)
                    .map(upload -> "upload:" + upload)
                    .filter(channel -> own.masterOf(channel).equals(added))
                    .limit(10)
                    .toList();
            List<String> channels =
                    Stream.concat(moving.stream(), channels(20).stream()).toList();
            Map<String, String> there = new HashMap<>(config);
            there.put("quarkus.redis.hosts", own.uris());
            try (Pod watched = Pod.ready(own.nodes().get(0), there);
                    Client client = listening(watched, "14", channels);
                    ClusterLoad load = ClusterLoad.onShards(own, client, channels)) {
                load.awaitPublished(300);
                Set<String> unmoved = channels.stream()
                        .filter(channel -> !own.masterOf(channel).equals(added))
                        .collect(Collectors.toSet());
                own.reshard(added, first, REMOVED_SLOTS);
                own.awaitWhole();
                own.removeNode(added);
                load.awaitPublished(300);
                load.awaitGaps();
                load.awaitPublished(300);
                load.awaitNothingLostUntold();
                assertThat(load.channelsWithGaps()).containsAll(moving).doesNotContainAnyElementsOf(unmoved);
                watched.awaitMetric("sluice_feed_shards{state=\"down\"}", 0);
                for (String channel : moving) {
                    assertThat(own.publishToShard(channel, "-1")).isEqualTo(1);
                }
            }
        }
    }

    @Tag("long")
    @Test
    void nothingIsLostUntoldOnValkey() {
        assumeTrue(
                Redis.hasValkey() || Boolean.parseBoolean(System.getenv("CI")),
                "needs a valkey-server; .ci/tools installs it");
        List<String> channels = channels(30);
        try (RedisCluster valkeys = RedisCluster.ofValkeys()) {
            Map<String, String> there = new HashMap<>(config);
            there.put("quarkus.redis.hosts", valkeys.uris());
            try (Pod own = Pod.ready(valkeys.nodes().get(0), there);
                    Client client = listening(own, "15", channels);
                    ClusterLoad load = ClusterLoad.onShards(valkeys, client, channels)) {
                load.awaitPublished(300);
                valkeys.moveSlot(valkeys.slot(channels.get(0)));
                load.awaitPublished(300);
                valkeys.failOver(valkeys.masterOf(channels.get(1)));
                load.awaitPublished(300);
                valkeys.masterOf(channels.get(2)).kill();
                valkeys.awaitMasters();
                load.awaitPublished(300);
                load.awaitGaps();
                load.awaitPublished(300);
                load.awaitNothingLostUntold();
                assertThat(load.channelsWithGaps()).contains(channels.get(0), channels.get(1), channels.get(2));
            }
        }
    }

    @Test
    void nothingIsLostUntoldWhenAMasterDies() {
        List<String> channels = channels(30);
        try (Client client = listening("5", channels);
                ClusterLoad load = ClusterLoad.onShards(cluster, client, channels)) {
            load.awaitPublished(300);
            Map<String, Redis> before = masters(channels);
            Redis victim = cluster.replaceableMaster();
            victim.kill();
            cluster.awaitMasters();
            load.awaitPublished(300);
            load.awaitGaps();
            load.awaitPublished(300);
            load.awaitNothingLostUntold();
            assertThat(load.channelsWithGaps())
                    .isNotEmpty()
                    .allMatch(channel -> Objects.equals(before.get(channel), victim));
        }
    }

    @Tag("long")
    @Test
    void podThatHearsNoShardIsShownDeafAndTraceTellsOfTheGap() {
        Redis victim = cluster.masterOf("user:11");
        String upload = uploadOn(victim);
        try (Client client = Client.of(pod, "11").subscribe(upload)) {
            await("the pod that hears")
                    .untilAsserted(() ->
                            assertThat(self().getBoolean("[0].member.live")).isTrue());
            int gaps = self().getInt("[0].member.gaps");
            // Nothing replaces the master.
            cluster.replicasOf(victim).forEach(Redis::kill);
            victim.kill();
            await("the deaf pod").untilAsserted(() -> {
                assertThat(self().getBoolean("[0].member.live")).isFalse();
                assertThat(self().getInt("[0].member.gaps")).isGreaterThan(gaps);
            });
            await("the reason")
                    .untilAsserted(() -> assertThat(trace(upload).<String>getList("traces[0].trace.gaps.cause"))
                            .contains("redis"));
            cluster.heal();
            await("the pod that hears again")
                    .untilAsserted(() ->
                            assertThat(self().getBoolean("[0].member.live")).isTrue());
            await("the new subscription")
                    .ignoreExceptions()
                    .untilAsserted(() -> assertThat(cluster.publishToShard("upload:" + upload, "traced"))
                            .isEqualTo(1));
            client.awaitMessage("traced");
            await("the history").ignoreExceptions().untilAsserted(() -> {
                Json trace = trace(upload);
                assertThat(trace.getString("traces[0].trace.history")).isEqualTo("on");
                assertThat(trace.<String>getList("traces[0].trace.gaps.until")).doesNotContainNull();
                if (trace.<Object>get("traces[0].trace.publications") == null) {
                    // The history begins with the next tick.
                    cluster.publishToShard("upload:" + upload, "traced");
                }
                assertThat(trace.getInt("traces[0].trace.publications[0].bytes"))
                        .isEqualTo(6);
                assertThat(trace.<Object>getMap("traces[0].trace.publications[0].to")
                                .values())
                        .contains("sent");
            });
        }
    }

    private static Json self() {
        return Json.from(Api.operator(pod).get("/api/console/pods").body());
    }

    private static Json trace(String upload) {
        return Json.from(Api.operator(pod)
                .get("/api/trace?user=11&channel=upload:" + upload)
                .body());
    }

    /** The demoted master runs on, and would take publications and subscriptions as a replica. */
    @Tag("long")
    @Test
    void nothingIsLostUntoldWhenAReplicaReplacesARunningMaster() {
        Redis demoted = cluster.replaceableMaster();
        String channel = "upload:" + uploadOn(demoted);
        List<String> channels =
                Stream.concat(Stream.of(channel), channels(30).stream()).toList();
        try (Client client = listening("10", channels);
                SdkConnection sdk = new SdkConnection(pod);
                ClusterLoad load = ClusterLoad.onShards(cluster, client, channels)) {
            JsonObject position = sdk.subscribe(channel, "");
            load.awaitPublished(300);
            Map<String, Redis> before = masters(channels);
            cluster.failOver(demoted);
            load.awaitPublished(300);
            load.awaitGaps();
            load.awaitPublished(300);
            load.awaitNothingLostUntold();
            assertThat(load.channelsWithGaps()).isNotEmpty().allMatch(one -> Objects.equals(before.get(one), demoted));
            sdk.awaitLoss(channel);
            try (SdkConnection again = new SdkConnection(pod)) {
                JsonObject answer = again.subscribe(
                        channel,
                        ",\"recover\":true,\"epoch\":\"" + position.getString("epoch") + "\",\"offset\":"
                                + position.getLong("offset", 0L));
                assertThat(answer.getBoolean("recovered")).isFalse();
                await("the new master")
                        .ignoreExceptions()
                        .untilAsserted(() -> assertThat(cluster.publishToShard(channel, "-1"))
                                .isEqualTo(1));
                again.awaitPublication(channel, -1);
            }
        }
    }

    /**
     * The pod is on the side of one master: all other nodes hang, and once they don't, the master does, so that its replica
     * replaces it. With Redis's default settings, the master goes on serving its channels meanwhile.
     */
    @Tag("long")
    @Test
    void masterThatIsCutOffTogetherWithThePodIsAGap() {
        Redis alone = cluster.replaceableMaster();
        List<Redis> replicas = cluster.replicasOf(alone);
        List<Redis> others =
                cluster.running().stream().filter(node -> !node.equals(alone)).toList();
        String upload = uploadOn(alone);
        String channel = "upload:" + upload;
        try (Client client = Client.of(pod, "12").subscribe(upload)) {
            Instant cut = Instant.now();
            others.forEach(Redis::freeze);
            JsonObject open = nextGapOf(channel, client);
            assertThat(alone.reply("SPUBLISH", channel, "to nobody")).isInstanceOf(Long.class);
            assertThat(open.getString("until")).isNull();
            assertThat(open.getInstant("since")).isBefore(cut);
            alone.freeze();
            others.forEach(Redis::thaw);
            await("the promotion")
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> replicas.stream().anyMatch(Redis::isMaster));
            Redis replica =
                    replicas.stream().filter(Redis::isMaster).findFirst().orElseThrow();
            Instant published = Instant.now();
            Object receivers = replica.reply("SPUBLISH", channel, "of the successor");
            await("the new subscription")
                    .atMost(Duration.ofMinutes(1))
                    .ignoreExceptions()
                    .until(() -> Objects.equals(replica.reply("SPUBLISH", channel, "after"), 1L));
            client.awaitMessage("after");
            JsonObject closed = nextGapOf(channel, client);
            assertThat(closed.getInstant("since")).isBefore(cut);
            if (Objects.equals(receivers, 0L)) {
                assertThat(closed.getInstant("until")).isAfterOrEqualTo(published);
            }
        } finally {
            others.forEach(Redis::thaw);
            alone.thaw();
        }
    }

    private static JsonObject nextGapOf(String channel, Client client) {
        JsonObject gap = new JsonObject(client.nextGap());
        return gap.getString("channel", "").equals(channel) ? gap : nextGapOf(channel, client);
    }

    /** Tries again when the pods were interrupted meanwhile, which busy machines do; then the client must not recover. */
    @Test
    void clientsWithAPositionForEachChannelRecoverOnAnotherPodUntilTheSlotMoves() {
        Map<Redis, Deque<Integer>> clocks = slotsOfTags();
        // That with the lowest, so that there are higher ones.
        Redis master = clocks.entrySet().stream()
                .min(Comparator.comparing(slots -> slots.getValue().getLast()))
                .orElseThrow()
                .getKey();
        int highest = clocks.remove(master).getLast();
        // The others keep the highest, in which their clocks and canary messages are.
        clocks.values().forEach(Deque::removeLast);
        int higher = clocks.values().stream()
                .flatMap(Deque::stream)
                .filter(slot -> slot > highest)
                .findFirst()
                .orElseThrow();
        try (Client client = Client.of(pod, "8")) {
            client.subscribe(uploadOn(master));
            // This pod is connected, and must change to the clock that the other will choose.
            cluster.moveSlot(higher, master);
            try (Pod other = Pod.ready(cluster.nodes().get(0), config)) {
                await("a client that recovers")
                        .atMost(Duration.ofMinutes(2))
                        .until(() -> recoversOn(other, "upload:" + uploadOn(master)));
            }
        }
    }

    /** Returns the slots of each master, in order, among which it has its clock in the highest. */
    private static Map<Redis, Deque<Integer>> slotsOfTags() {
        NavigableMap<Integer, Redis> owners = cluster.owners();
        return IntStream.range(0, 128)
                .map(tag -> HashSlot.of(Integer.toString(tag).getBytes(StandardCharsets.US_ASCII)))
                .sorted()
                .boxed()
                .collect(Collectors.groupingBy(
                        slot -> owners.floorEntry(slot).getValue(),
                        HashMap::new,
                        Collectors.toCollection(ArrayDeque::new)));
    }

    private static boolean recoversOn(Pod other, String channel) {
        try (SdkConnection there = new SdkConnection(other);
                SdkConnection here = new SdkConnection(pod)) {
            String epoch = there.subscribe(channel, "").getString("epoch");
            if (epoch.equals("_") || !epoch.equals(here.subscribe(channel, "").getString("epoch"))) {
                return false;
            }
            cluster.publishToShard(channel, "1");
            cluster.publishToShard(channel, "2");
            long offset = here.awaitPublication(channel, 2);
            here.leave();
            if (offset == 0) {
                return false;
            }
            cluster.publishToShard(channel, "3");
            cluster.publishToShard(channel, "4");
            String since = ",\"recover\":true,\"epoch\":\"" + epoch + "\",\"offset\":" + offset;
            try (SdkConnection again = new SdkConnection(other)) {
                JsonObject answer = again.subscribe(channel, since);
                if (!answer.getBoolean("recovered")) {
                    return false;
                }
                assertThat(answer.getJsonArray("publications").stream()
                                .map(publication -> ((JsonObject) publication).getInteger("data")))
                        .startsWith(3)
                        .isSubsetOf(3, 4);
                if (answer.getJsonArray("publications").size() < 2 && again.awaitPublication(channel, 4) == 0) {
                    return false;
                }
            }
            cluster.moveSlot(cluster.slot(channel));
            cluster.publishToShard(channel, "5");
            there.awaitEnd(channel);
            try (SdkConnection again = new SdkConnection(other)) {
                // That end may have another cause. Until the pod learns that the slot has moved, it lets clients
                // recover, and then ends their subscriptions.
                while (again.subscribe(channel, since).getBoolean("recovered")) {
                    again.awaitEnd(channel);
                }
            }
            return true;
        }
    }

    /** A connection as of Centrifugo's SDKs. */
    private static final class SdkConnection implements AutoCloseable {

        private final Client client;
        private final Deque<String> lines = new ArrayDeque<>();

        SdkConnection(Pod to) {
            client = Client.connect(to.webSocket("/connection/websocket"), Map.of(), "centrifuge-json");
            client.send("{\"id\":1,\"connect\":{\"token\":\"" + Tokens.of("9") + "\"}}");
            await(message -> message.containsKey("connect"));
        }

        JsonObject subscribe(String channel, String more) {
            client.send("{\"id\":2,\"subscribe\":{\"channel\":\"" + channel + "\"" + more + "}}");
            return await(message -> message.containsKey("subscribe")).getJsonObject("subscribe");
        }

        void leave() {
            client.close();
        }

        /** Returns its offset; 0 if it has none, or the subscription ends before. */
        long awaitPublication(String channel, int data) {
            JsonObject push = push(await(message -> isEnd(message, channel)
                    || Integer.valueOf(data)
                            .equals(push(message)
                                    .getJsonObject("pub", new JsonObject())
                                    .getValue("data"))));
            return push.getJsonObject("pub", new JsonObject()).getLong("offset", 0L);
        }

        void awaitEnd(String channel) {
            await(message -> isEnd(message, channel));
        }

        /** Waits until it is told to fetch the state: its subscription ends, or it hears of a gap. */
        void awaitLoss(String channel) {
            await(message -> isEnd(message, channel)
                    || push(message)
                            .getJsonObject("message", new JsonObject())
                            .getJsonObject("data", new JsonObject())
                            .getString("channel", "")
                            .equals(channel));
        }

        private static boolean isEnd(JsonObject message, String channel) {
            return push(message).containsKey("unsubscribe")
                    && push(message).getString("channel").equals(channel);
        }

        private static JsonObject push(JsonObject message) {
            return message.getJsonObject("push", new JsonObject());
        }

        private JsonObject await(Predicate<JsonObject> wanted) {
            while (true) {
                while (lines.isEmpty()) {
                    lines.addAll(client.next().lines().toList());
                }
                JsonObject message = new JsonObject(lines.remove());
                if (wanted.test(message)) {
                    return message;
                }
            }
        }

        @Override
        public void close() {
            leave();
        }
    }

    private static List<String> channels(int count) {
        return Stream.generate(() -> "upload:" + Stage.upload()).limit(count).toList();
    }

    private static Client listening(String user, List<String> channels) {
        return listening(pod, user, channels);
    }

    private static Client listening(Pod to, String user, List<String> channels) {
        Client client = Client.of(to, user);
        channels.forEach(channel -> client.subscribe(channel.substring("upload:".length())));
        return client;
    }

    private static Map<String, Redis> masters(List<String> channels) {
        return channels.stream().collect(Collectors.toMap(channel -> channel, cluster::masterOf));
    }

    private static String uploadOn(Redis master) {
        String upload = Stage.upload();
        while (!cluster.masterOf("upload:" + upload).equals(master)) {
            upload = Stage.upload();
        }
        return upload;
    }
}
