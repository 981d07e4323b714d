package dev.sluice.integration;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.EventClient;
import dev.sluice.harness.EventParser.Event;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.TcpProxy;
import dev.sluice.harness.Tokens;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients receive the entries of Redis streams, whatever is interrupted. */
@Order(2)
@Tag("chaos")
class StreamIT {

    private static final Map<String, String> ROUTES = Map.ofEntries(
            entry("sluice.canary.interval", "200ms"),
            // A slow machine, or a slow disk, must not cause a gap.
            entry("sluice.canary.missed-beats", "15"),
            entry("sluice.canary.reconnect", "1s"),
            entry("sluice.clock.interval", "200ms"),
            entry("sluice.history.max-replay", "16K"),
            // Otherwise each client would hear a channel of which it may miss publications.
            entry("sluice.routes.user.source", "stream"),
            entry("sluice.routes.invoice.audience", "subscribers"),
            entry("sluice.routes.invoice.access", "open"),
            entry("sluice.routes.invoice.source", "stream"),
            entry("sluice.routes.moving.audience", "subscribers"),
            entry("sluice.routes.moving.access", "open"),
            entry("sluice.routes.moving.source", "both"));

    private static Redis redis;
    private static Pod pod;
    /** Writes frames by the other wire, so that each test with both pods is one of both wires. */
    private static Pod other;

    @BeforeAll
    static void start() {
        redis = Redis.withOptions("--notify-keyspace-events", "Ktg", "--appendonly", "yes", "--appendfsync", "always");
        pod = Pod.ready(redis, ROUTES);
        other = Pod.ready(redis, PodVariant.STANDARD.with(ROUTES));
    }

    @AfterAll
    static void stop() {
        other.close();
        pod.close();
        redis.close();
    }

    @ParameterizedTest
    @MethodSource("dev.sluice.integration.PodVariant#wires")
    void entriesAddedByAnyClientAreDeliveredOnceAndInOrder(PodVariant variant) {
        String channel = "invoice:added-" + variant;
        try (Client client = subscribed(on(variant), channel, null);
                Client old = Client.of(on(variant), "9").send(subscribe(channel, null))) {
            assertThat(old.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"" + channel + "\"}");
            List<String> ids = add(channel, 0, 500);
            for (int i = 0; i < 500; i++) {
                assertThat(next(client))
                        .isEqualTo("{\"channel\":\"" + channel + "\",\"id\":\"" + ids.get(i) + "\"}\n" + i);
                assertThat(old.next()).isEqualTo("" + i);
            }
            assertThat(client.rest()).allMatch(message -> ((String) message).contains("mark"));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sluice.integration.PodVariant#wires")
    void entryMayHaveAnyFieldsAndBytes(PodVariant variant) {
        String channel = "invoice:fields-" + variant;
        try (Client client = subscribed(on(variant), channel, null);
                Redis.Admin admin = redis.admin()) {
            eval(
                    "redis.call('XADD', KEYS[1], '1-1', 'any', 'first', unpack({'2', 'b', '3', 'c', '4', 'd', '5', 'e',"
                            + " '6', 'f', '7', 'g', '8', 'h', '9', 'i', 'data', 'second'}))",
                    channel);
            admin.command("XADD", channel, "1-2", "", "");
            eval("redis.call('XADD', KEYS[1], '1-3', 'data', '{\\255}')", channel);
            admin.command("XADD", channel, "1-4", "data", "last");
            assertThat(next(client)).isEqualTo("{\"channel\":\"" + channel + "\",\"id\":\"1-1\"}\nfirst");
            assertThat(next(client)).isEqualTo("{\"channel\":\"" + channel + "\",\"id\":\"1-2\"}\n");
            byte[] binary =
                    ("{\"channel\":\"" + channel + "\",\"id\":\"1-3\"}\n{?}").getBytes(StandardCharsets.US_ASCII);
            binary[binary.length - 2] = (byte) 255;
            assertThat(client.nextBinary()).isEqualTo(binary);
            assertThat(next(client)).isEqualTo("{\"channel\":\"" + channel + "\",\"id\":\"1-4\"}\nlast");
            assertThat(client.hasHeardOfGap()).isFalse();
        }
    }

    @Test
    void entriesThatAreTooLargeAreSkippedAndTold() {
        String dropped = "sluice_publications_total{outcome=\"dropped\",route=\"invoice\"}";
        double before = pod.metric(dropped);
        // Writing large entries to the disk may be an interruption, which is no gap for a stream that has entries.
        add("invoice:small", 0, 1);
        try (Client client = subscribed(pod, "invoice:large", null);
                Client another = subscribed(pod, "invoice:small", null)) {
            add("invoice:large", 0, 1);
            String at = id(next(client));
            eval(
                    "local large = string.rep('x', 10 * 1024 * 1024); for i = 1, 6 do redis.call('XADD', KEYS[1], '*',"
                            + " 'data', large) end",
                    "invoice:large");
            add("invoice:small", 1, 1);
            assertHears(another, 1, 1);
            add("invoice:large", 1, 1);
            assertHears(client, 1, 1);
            assertThat(client.nextGap()).contains("\"channel\":\"invoice:large\"");
            assertThat(another.hasHeardOfGap()).isFalse();
            pod.awaitMetric(dropped, before + 6);
            try (Client returned = connected(other)) {
                returned.send(subscribe("invoice:large", at));
                assertThat(new JsonObject(next(returned)).getBoolean("recovered"))
                        .isFalse();
                assertHears(returned, 1, 1);
                add("invoice:large", 2, 1);
                assertHears(returned, 2, 1);
            }
        }
    }

    @Tag("long")
    @Test
    void streamOfAMillionEntriesIsJoinedAtItsEndAndResumedFromItsStart() {
        for (int i = 0; i < 100; i++) {
            // Redis tells of no key without a route. A script of more entries delays canary messages until they count
            // as missing.
            eval(
                    "for i = 0, 9999 do local n = ARGV[1] * 10000 + i; redis.call('XADD', KEYS[1], (n + 1) .. '-0',"
                            + " 'data', n) end",
                    "unrouted:million",
                    "" + i);
        }
        assertThat(redis.reply("XLEN", "unrouted:million")).isEqualTo(1_000_000L);
        add("invoice:short", 0, 1);
        redis.reply("RENAME", "unrouted:million", "invoice:million");
        awaitBeats(pod, 3);
        try (Client client = subscribed(pod, "invoice:million", null);
                Client slow = subscribed(pod, "invoice:million", "0");
                Client another = subscribed(pod, "invoice:short", null)) {
            add("invoice:million", 1_000_000, 3);
            add("invoice:short", 1, 3);
            assertHears(client, 1_000_000, 3);
            assertHears(another, 1, 3);
            assertHears(slow, 0, 20_000);
            assertThat(client.hasHeardOfGap()).isFalse();
            assertThat(slow.hasHeardOfGap()).isFalse();
        } finally {
            redis.reply("UNLINK", "invoice:million");
        }
    }

    @Test
    void keyThatExpiresAfterItsEntriesWereReadIsNoLoss() {
        try (Client client = subscribed(pod, "invoice:expiring", null)) {
            for (int i = 0; i < 20; i++) {
                add("invoice:expiring", i, 1);
                assertHears(client, i, 1);
                expire("invoice:expiring");
            }
            awaitBeats(pod, 3);
            assertThat(client.hasHeardOfGap()).isFalse();
        }
    }

    @Test
    void keyThatExpiresDuringAReplayIsTold() {
        eval("for i = 0, 2999 do redis.call('XADD', KEYS[1], (i + 1) .. '-0', 'data', i) end", "invoice:vanishing");
        try (Client client = subscribed(pod, "invoice:vanishing", "0")) {
            expire("invoice:vanishing");
            add("invoice:vanishing", 3_000, 1);
            List<Integer> heard = new ArrayList<>();
            do {
                heard.add(Integer.valueOf(next(client).split("\n", 2)[1]));
            } while (heard.get(heard.size() - 1) < 3_000);
            assertThat(heard).isSorted().doesNotHaveDuplicates();
            assertThat(heard.size() == 3_001 || client.hasHeardOfGap()).isTrue();
        }
    }

    @Tag("long")
    @Test
    void thousandsOfChannelsThatComeAndGoCostNothingThatLasts() {
        String churn =
                "for c = 1, 1000 do local key = 'invoice:churn-' .. c; redis.call('XADD', key, '*', 'data', ARGV[1]);"
                        + " redis.call('DEL', key) end";
        add("invoice:steady", 0, 1);
        try (Client steady = subscribed(pod, "invoice:steady", null)) {
            long before = 0;
            for (int round = 0; round < 12; round++) {
                try (Client some = connected(pod)) {
                    for (int c = 1; c <= 100; c++) {
                        some.send(subscribe("invoice:churn-" + (10 * c), null));
                        assertThat(next(some)).contains("subscribed");
                    }
                    eval(churn, "invoice:churn-1", "" + round);
                    eval(churn, "invoice:churn-1", "" + round);
                    add("invoice:steady", 1 + round, 1);
                    assertHears(steady, 1 + round, 1);
                }
                if (round == 1) {
                    before = pod.liveHeap();
                }
            }
            assertThat(steady.hasHeardOfGap()).isFalse();
            // 20,000 channels, of which 2,000 had listeners.
            assertThat(pod.liveHeap() - before).isLessThan(2_000_000);
        }
    }

    @Test
    void routeWithBothSourcesHearsPublishToo() {
        try (Client client = subscribed(pod, "moving:1", null)) {
            redis.publish("moving:1", "published");
            assertThat(next(client)).endsWith("\npublished");
            add("moving:1", 0, 1);
            assertThat(next(client)).endsWith("\n0");
        }
        // What was published meanwhile would be lost.
        try (Client client = connected(pod)) {
            client.send("{\"action\":\"subscribe\",\"channel\":\"moving:1\",\"since\":\"0\"}");
            assertThat(next(client)).contains("\"recovered\":false");
            assertThat(next(client)).endsWith("\n0");
        }
    }

    @Test
    void clientResumesOnAnotherPodAsFarBackAsTheStreamGoes() {
        String at;
        try (Client client = subscribed(pod, "invoice:2", null)) {
            add("invoice:2", 0, 1);
            at = id(next(client));
        }
        add("invoice:2", 1, 2_000);
        try (Client client = subscribed(other, "invoice:2", at)) {
            add("invoice:2", 2_001, 100);
            assertHears(client, 1, 2_100);
        }
        try (Client client = subscribed(pod, "invoice:2", "0")) {
            assertHears(client, 0, 2_101);
        }
    }

    @Test
    void trimmedStretchIsToldAndTheRestFollows() {
        String at;
        try (Client client = subscribed(pod, "invoice:3", null)) {
            add("invoice:3", 0, 1);
            at = id(next(client));
        }
        try (Redis.Admin admin = redis.admin()) {
            for (int i = 1; i < 10; i++) {
                admin.command("XADD", "invoice:3", "MAXLEN", "3", "*", "data", "" + i);
            }
        }
        try (Client client = connected(pod)) {
            client.send(subscribe("invoice:3", at));
            assertThat(new JsonObject(next(client)).getBoolean("recovered")).isFalse();
            assertHears(client, 7, 3);
        }
    }

    @Test
    void restartedRedisLeavesNoGap() {
        double before = pod.metric("sluice_streams_gaps_total");
        try (Client client = subscribed(pod, "invoice:4", null);
                Client mixed = subscribed(pod, "invoice:4", null)) {
            mixed.send("{\"action\":\"subscribe\",\"channel\":\"upload:4\"}");
            assertThat(next(mixed)).contains("subscribed");
            add("invoice:4", 0, 10);
            // Until then, an interruption is a gap for a stream that was empty: entries may have been trimmed.
            awaitBeats(pod, 3);
            redis.kill();
            redis.startAgain();
            add("invoice:4", 10, 50);
            assertHears(client, 0, 60);
            awaitLive();
            add("invoice:4", 60, 10);
            assertHears(client, 60, 10);
            assertThat(client.hasHeardOfGap()).isFalse();
            assertThat(mixed.nextGap()).doesNotContain("channel");
            assertThat(pod.metric("sluice_streams_gaps_total")).isEqualTo(before);
        }
    }

    @Test
    void frozenRedisLeavesNoGap() {
        add("invoice:5", 0, 1);
        try (Client client = subscribed(pod, "invoice:5", null)) {
            add("invoice:5", 1, 9);
            redis.freeze();
            await("the pod notices").until(() -> pod.metric("sluice_feed_live") == 0);
            redis.thaw();
            add("invoice:5", 10, 50);
            assertHears(client, 1, 59);
            assertThat(client.hasHeardOfGap()).isFalse();
        }
        awaitLive();
    }

    @Test
    void entriesAfterADeletedKeyAreDelivered() {
        try (Client client = subscribed(pod, "invoice:6", null);
                Redis.Admin admin = redis.admin()) {
            add("invoice:6", 0, 1);
            assertHears(client, 0, 1);
            admin.command("DEL", "invoice:6");
            add("invoice:6", 1, 1);
            assertHears(client, 1, 1);
            assertThat(client.hasHeardOfGap()).isFalse();
        }
    }

    @Tag("long")
    @Test
    void sdksOfCentrifugoResumeOnOtherPodsAndLearnThatEntriesWereLost() {
        Map<String, String> more = new HashMap<>(ROUTES);
        // The answer to connect is about a stream and another channel.
        more.put("sluice.routes.inbox.audience", "user");
        try (Pod killed = Pod.ready(redis, more);
                TcpProxy proxy = new TcpProxy(other.port())) {
            URI uri = URI.create("ws://127.0.0.1:" + proxy.port() + "/connection/websocket");
            add("invoice:sdk", 0, 1);
            add("user:reader", 0, 1);
            try (SdkClients sdks = SdkClients.start(uri, Tokens.of("reader"))) {
                sdks.send("subscribe invoice:sdk");
                sdks.await("subscribed invoice:sdk false false");
                addBoth(1);
                sdks.await("publication invoice:sdk 3");
                sdks.await("publication user:reader 3");
                proxy.cut();
                proxy.leadTo(killed.port());
                addBoth(4);
                sdks.await("subscribed invoice:sdk true true");
                sdks.await("own user:reader true true");
                sdks.await("own inbox:reader false false");
                sdks.await("publication invoice:sdk 6");
                sdks.await("publication user:reader 6");
                killed.process().kill();
                addBoth(7);
                proxy.leadTo(pod.port());
                sdks.await("publication invoice:sdk 9");
                sdks.await("publication user:reader 9");
                for (String channel : List.of("invoice:sdk", "user:reader")) {
                    for (SdkClient sdk : sdks.clients()) {
                        assertThat(sdk.said())
                                .filteredOn(line -> line.startsWith("publication " + channel))
                                .containsExactlyElementsOf(IntStream.range(1, 10)
                                        .mapToObj(number -> "publication " + channel + " " + number)
                                        .toList());
                        assertThat(sdk.said()).doesNotContain("subscribed " + channel + " true false");
                    }
                }
                redis.reply("RENAME", "invoice:sdk", "elsewhere:sdk");
                redis.reply("RENAME", "user:reader", "elsewhere:reader");
                sdks.await("subscribing invoice:sdk 2502");
                sdks.await("subscribed invoice:sdk true false");
                // Not all SDKs say here whether they have recovered.
                sdks.clients()
                        .forEach(sdk -> await("a fourth start")
                                .until(() -> sdk.said().stream()
                                                .filter(line -> line.startsWith("own user:reader"))
                                                .count()
                                        >= 4));
                addBoth(10);
                sdks.await("publication invoice:sdk 12");
                sdks.await("publication user:reader 12");
                sdks.assumeComplete();
            }
        }
    }

    @Test
    void sdkIsRefusedOnlyIfItsNextEntryHasNoOffset() {
        try (Redis.Admin admin = redis.admin();
                SdkClient sdk = SdkClient.start(
                        SdkClient.Sdk.JAVASCRIPT, pod.webSocket("/connection/websocket"), Tokens.of("own-ids"))) {
            for (String id : List.of("1-1", "1-4096", "2-0")) {
                admin.command("XADD", "invoice:own-ids", id, "data", "{}");
            }
            sdk.send("subscribe invoice:own-ids");
            sdk.await("subscribed invoice:own-ids false false");
            admin.command("XADD", "invoice:own-ids", "2-4095", "data", "1");
            sdk.await("publication invoice:own-ids 1");
            sdk.send("unsubscribe invoice:own-ids");
            sdk.await("unsubscribed invoice:own-ids 0");
            admin.command("XADD", "invoice:own-ids", "3-0", "data", "2");
            admin.command("XADD", "invoice:own-ids", "3-4096", "data", "3");
            sdk.send("again invoice:own-ids");
            sdk.await("subscribed invoice:own-ids true true");
            sdk.await("publication invoice:own-ids 2");
            sdk.await("publication invoice:own-ids 3");
            sdk.send("unsubscribe invoice:own-ids");
            await("left")
                    .until(() -> sdk.said().stream()
                                    .filter("unsubscribed invoice:own-ids 0"::equals)
                                    .count()
                            == 2);
            sdk.send("again invoice:own-ids");
            sdk.await("subscribed invoice:own-ids true false");
            admin.command("XADD", "invoice:own-ids", "4-0", "data", "4");
            sdk.await("publication invoice:own-ids 4");
            assertThat(sdk.said())
                    .filteredOn(line -> line.startsWith("publication"))
                    .hasSize(4);
        }
    }

    @Test
    void keyOfAnotherTypeHasNoEntries() {
        try (Redis.Admin admin = redis.admin()) {
            admin.command("SET", "invoice:7", "no stream");
            try (Client client = subscribed(pod, "invoice:7", null)) {
                admin.command("DEL", "invoice:7");
                add("invoice:7", 0, 1);
                assertHears(client, 0, 1);
            }
        }
    }

    @Test
    void listenersOfOneChannelAreToldThatItsEntriesWereLost() {
        try (Client client = subscribed(pod, "invoice:8", null);
                Client another = subscribed(pod, "invoice:9", null);
                Redis.Admin admin = redis.admin()) {
            add("invoice:8", 0, 1);
            assertHears(client, 0, 1);
            admin.command("RENAME", "invoice:8", "elsewhere:8");
            assertThat(client.nextGap()).contains("\"channel\":\"invoice:8\"");
            add("invoice:8", 1, 1);
            add("invoice:9", 0, 1);
            assertHears(client, 1, 1);
            assertHears(another, 0, 1);
            assertThat(another.hasHeardOfGap()).isFalse();
        }
    }

    @Test
    void userGetsEverythingFromTheInboxOnAnyPodOfAllVersions() {
        List<String> first = add("user:inbox1", 0, 3);
        String stands;
        try (Client client = own(pod, "inbox1", null, null);
                Client another = own(pod, "inbox1", null, null);
                Client old = Client.of(pod, "inbox1")) {
            JsonObject answer = new JsonObject(next(client));
            assertThat(answer.getJsonObject("ids").getString("user:inbox1")).isEqualTo(first.get(2));
            assertThat(answer.containsKey("recovered")).isFalse();
            assertThat(next(another)).contains(first.get(2));
            List<String> second = add("user:inbox1", 3, 50);
            for (int i = 0; i < 50; i++) {
                String expected = "{\"channel\":\"user:inbox1\",\"id\":\"" + second.get(i) + "\"}\n" + (i + 3);
                assertThat(next(client)).isEqualTo(expected);
                assertThat(next(another)).isEqualTo(expected);
                assertThat(old.next()).isEqualTo("" + (i + 3));
            }
            stands = second.get(49);
        }
        add("user:inbox1", 53, 2_000);
        try (Client client = own(other, "inbox1", stands, null)) {
            assertThat(next(client))
                    .isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"inbox1\",\"recovered\":true}");
            assertHears(client, 53, 2_000);
        }
        try (Client client = own(other, "inbox1", null, new JsonObject().put("user:inbox1", stands))) {
            assertThat(next(client)).contains("\"recovered\":true");
            assertHears(client, 53, 2_000);
        }
        for (String all : List.of("0", "0-0")) {
            try (Client client = own(other, "inbox1", all, null)) {
                assertThat(next(client)).contains("\"recovered\":true");
                assertHears(client, 0, 2_053);
                add("user:inbox1", 0, 1);
                assertHears(client, 0, 1);
            }
            redis.reply("DEL", "user:inbox1");
            add("user:inbox1", 0, 2_053);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/ws?since=%s", "/ws?ids=%%7B%%22user:inbox2%%22:%%22%s%%22%%7D"})
    void upgradeRequestMaySayWhereTheInboxResumes(String path) {
        List<String> ids = add("user:inbox2", 0, 5);
        try (Client client = Client.connect(
                other.webSocket(path.formatted(ids.get(1))),
                Map.of("Authorization", "Bearer " + Tokens.of("inbox2")),
                ResumingClient.SUBPROTOCOL)) {
            assertThat(next(client)).contains("\"recovered\":true");
            assertHears(client, 2, 3);
        }
        redis.reply("DEL", "user:inbox2");
    }

    @Test
    void entryAddedRightAfterTheAnswerReachesTheUser() {
        for (int i = 0; i < 20; i++) {
            String user = "quick" + i;
            try (Client old = Client.of(pod, user)) {
                add("user:" + user, 0, 2);
                assertThat(old.next()).isEqualTo("0");
                assertThat(old.next()).isEqualTo("1");
            }
            try (Client client = own(other, user, null, null)) {
                assertThat(next(client)).contains("\"ids\":{");
                add("user:" + user, 2, 1);
                assertHears(client, 2, 1);
            }
        }
    }

    @Test
    void trimmedInboxIsToldAndTheRestFollows() {
        List<String> ids = add("user:inbox3", 0, 10);
        redis.reply("XTRIM", "user:inbox3", "MAXLEN", "3");
        try (Client client = own(pod, "inbox3", ids.get(1), null)) {
            JsonObject answer = new JsonObject(next(client));
            assertThat(answer.getBoolean("recovered")).isFalse();
            assertThat(answer.getJsonObject("ids").getString("user:inbox3")).isEqualTo(ids.get(1));
            assertHears(client, 7, 3);
            assertThat(client.hasHeardOfGap()).isFalse();
        }
    }

    @Test
    void eventsOfOneStreamHaveItsIds() {
        List<String> ids = add("invoice:sse1", 0, 4);
        try (EventClient client = EventClient.of(pod, "7", "?user=false&channel=invoice:sse1&since=0")) {
            assertThat(client.next().data()).contains("\"recovered\":true");
            for (int i = 0; i < 4; i++) {
                Event event = client.next();
                assertThat(event.data()).isEqualTo("" + i);
                assertThat(event.lastEventId()).isEqualTo(ids.get(i));
            }
        }
    }

    @Test
    void eventsResumeStreamsAndPublicationsOnAnotherPod() {
        String query = "?channel=invoice:sse2&channel=upload:sse2&channel=invoice:sse3";
        String last;
        // What was added to an empty stream may have been trimmed since.
        add("invoice:sse3", 0, 1);
        await("one era").until(() -> !era(pod).isEmpty() && era(pod).equals(era(other)));
        try (EventClient client = EventClient.of(pod, "sse", query)) {
            assertThat(client.next().data()).contains("subscribed").doesNotContain("recovered");
            add("invoice:sse2", 0, 1);
            assertThat(client.next().data()).isEqualTo("0");
            redis.publish("upload:sse2", "1");
            assertThat(client.next().data()).isEqualTo("1");
            add("user:sse", 2, 1);
            Event event = client.next();
            assertThat(event.data()).isEqualTo("2");
            last = event.lastEventId();
        }
        add("invoice:sse2", 3, 300);
        redis.publish("upload:sse2", "303");
        add("user:sse", 304, 300);
        add("invoice:sse3", 604, 1);
        List<Integer> heard = new ArrayList<>();
        // Each connection is cut at any event. Replayed publications have no id, so a cut replay begins again.
        for (int cut = 1; new HashSet<>(heard).size() < 602; cut += 7) {
            try (EventClient client = EventClient.of(other, "sse", query, "Last-Event-ID: " + last)) {
                assertThat(client.next().data())
                        .as("from %s: %s", last, resumes(other))
                        .contains("\"recovered\":true");
                for (int i = 0; i < cut && new HashSet<>(heard).size() < 602; i++) {
                    Event event = client.next();
                    heard.add(Integer.valueOf(event.data()));
                    last = event.lastEventId();
                }
            }
        }
        assertThat(heard).contains(303);
        assertThat(heard.stream().filter(one -> one != 303))
                .containsExactlyInAnyOrderElementsOf(IntStream.range(3, 605)
                        .filter(one -> one != 303)
                        .boxed()
                        .toList());
        assertThat(heard.stream().filter(one -> one < 303)).isSorted();
        assertThat(heard.stream().filter(one -> one >= 304 && one < 604)).isSorted();
        try (EventClient client =
                EventClient.of(pod, "sse", query + "&channel=invoice:sse4", "Last-Event-ID: " + last)) {
            assertThat(client.next().data()).contains("\"recovered\":false");
        }
        redis.reply("XTRIM", "invoice:sse2", "MAXLEN", "0");
        try (EventClient client = EventClient.of(pod, "sse", query, "Last-Event-ID: " + last)) {
            assertThat(client.next().data()).contains("\"recovered\":false");
            assertThat(client.publication().data()).as("retained").isEqualTo("303");
            add("invoice:sse2", 700, 1);
            assertThat(client.publication().data()).isEqualTo("700");
        }
    }

    @Test
    void podIsNotReadyUntilRedisTellsOfEntries() {
        try (Redis.Admin admin = redis.admin()) {
            admin.command("CONFIG", "SET", "notify-keyspace-events", "");
            for (Pod one : List.of(pod, other)) {
                await("the pod notices").atMost(60, TimeUnit.SECONDS).until(() -> one.status("/q/health/ready") == 503);
                one.awaitLog("Redis does not tell of new entries of streams: it needs notify-keyspace-events Kt");
            }
            try (Client client = subscribed(other, "invoice:10", null)) {
                add("invoice:10", 0, 5);
                admin.command("CONFIG", "SET", "notify-keyspace-events", "Ktg");
                assertHears(client, 0, 5);
            }
            pod.awaitReady();
            other.awaitReady();
        }
    }

    private static Pod on(PodVariant variant) {
        return variant == PodVariant.DIRECT ? pod : other;
    }

    /** Returns the next message other than a mark. */
    private static String next(Client client) {
        String message = client.next();
        return message.startsWith("{\"action\":\"mark\"") ? next(client) : message;
    }

    private static String id(String publication) {
        return new JsonObject(publication.split("\n", 2)[0]).getString("id");
    }

    private static void addBoth(int first) {
        add("invoice:sdk", first, 3);
        add("user:reader", first, 3);
    }

    /** Waits until the pod has heard so many of its beats. */
    private static void awaitBeats(Pod on, int count) {
        double before = on.metric("sluice_canary_latency_seconds_count");
        await("beats").until(() -> on.metric("sluice_canary_latency_seconds_count") >= before + count);
    }

    private static void expire(String key) {
        redis.reply("PEXPIRE", key, "1");
        await("expiry").until(() -> redis.reply("EXISTS", key).equals(0L));
    }

    private static void eval(String script, String key, String... arguments) {
        List<String> words = new ArrayList<>(List.of("EVAL", script, "1", key));
        words.addAll(List.of(arguments));
        redis.reply(words.toArray(String[]::new));
    }

    private static void awaitLive() {
        for (Pod one : List.of(pod, other)) {
            await("the gap is over").until(() -> one.metric("sluice_feed_live") == 1);
        }
    }

    private static List<String> resumes(Pod of) {
        return of.metrics().stream()
                .filter(line -> line.startsWith("sluice_resumes_total"))
                .toList();
    }

    private static String era(Pod of) {
        return of.log()
                .lines()
                .filter(line -> line.contains("positions in era"))
                .reduce("", (before, line) -> line.substring(line.lastIndexOf(' ')));
    }

    private static void assertHears(Client client, int first, int count) {
        List<Integer> heard = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            heard.add(Integer.valueOf(next(client).split("\n", 2)[1]));
        }
        assertThat(heard)
                .isEqualTo(IntStream.range(first, first + count).boxed().toList());
    }

    private static List<String> add(String channel, int first, int count) {
        return IntStream.range(first, first + count)
                .mapToObj(number -> (String) redis.reply("XADD", channel, "*", "data", "" + number))
                .toList();
    }

    private static Client connected(Pod on) {
        Client client = Client.connect(on.webSocket("/ws"), Map.of(), ResumingClient.SUBPROTOCOL)
                .authenticate(Tokens.of("7"));
        assertThat(next(client)).contains("auth_success");
        return client;
    }

    /** Authenticates a client of version 2. */
    private static Client own(Pod on, String user, String since, JsonObject ids) {
        JsonObject message = new JsonObject().put("type", "auth").put("token", Tokens.of(user));
        if (since != null) {
            message.put("since", since);
        }
        if (ids != null) {
            message.put("ids", ids);
        }
        return Client.connect(on.webSocket("/ws"), Map.of(), ResumingClient.SUBPROTOCOL)
                .send(message.encode());
    }

    private static Client subscribed(Pod on, String channel, String since) {
        Client client = connected(on).send(subscribe(channel, since));
        JsonObject answer = new JsonObject(next(client));
        assertThat(answer.getString("action")).isEqualTo("subscribed");
        assertThat(answer.getBoolean("recovered")).isEqualTo(since == null ? null : true);
        assertThat(answer.getString("at")).matches(at -> since != null || at != null);
        return client;
    }

    private static String subscribe(String channel, String since) {
        JsonObject message = new JsonObject().put("action", "subscribe").put("channel", channel);
        return (since == null ? message : message.put("since", since)).encode();
    }
}
