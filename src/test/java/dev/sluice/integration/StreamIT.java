package dev.sluice.integration;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.Tokens;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Clients receive the entries of Redis streams, whatever is interrupted. */
@Tag("chaos")
class StreamIT {

    private static final Map<String, String> ROUTES = Map.ofEntries(
            entry("sluice.canary.interval", "200ms"),
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
    private static Pod other;

    @BeforeAll
    static void start() {
        redis = Redis.withOptions("--notify-keyspace-events", "Ktg", "--appendonly", "yes", "--appendfsync", "always");
        pod = Pod.ready(redis, ROUTES);
        other = Pod.ready(redis, ROUTES);
    }

    @AfterAll
    static void stop() {
        other.close();
        pod.close();
        redis.close();
    }

    @Test
    void entriesAddedByAnyClientAreDeliveredOnceAndInOrder() {
        try (Client client = subscribed(pod, "invoice:1", null);
                Client old = Client.of(pod, "9").send("{\"action\":\"subscribe\",\"channel\":\"invoice:1\"}")) {
            assertThat(old.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"invoice:1\"}");
            List<String> ids = add("invoice:1", 0, 500);
            for (int i = 0; i < 500; i++) {
                assertThat(client.next()).isEqualTo("{\"channel\":\"invoice:1\",\"id\":\"" + ids.get(i) + "\"}\n" + i);
                assertThat(old.next()).isEqualTo("" + i);
            }
            assertThat(client.rest()).allMatch(message -> ((String) message).contains("mark"));
        }
    }

    @Test
    void entryMayHaveAnyFieldsAndBytes() {
        try (Client client = subscribed(pod, "invoice:fields", null);
                Redis.Admin admin = redis.admin()) {
            admin.command("XADD", "invoice:fields", "1-1", "any", "first", "data", "second");
            admin.command("XADD", "invoice:fields", "1-2", "", "");
            admin.command("XADD", "invoice:fields", "1-3", "data", "x".repeat(300_000));
            admin.command("XADD", "invoice:fields", "1-4", "data", "last");
            assertThat(next(client)).isEqualTo("{\"channel\":\"invoice:fields\",\"id\":\"1-1\"}\nfirst");
            assertThat(next(client)).isEqualTo("{\"channel\":\"invoice:fields\",\"id\":\"1-2\"}\n");
            assertThat(next(client)).isEqualTo("{\"channel\":\"invoice:fields\",\"id\":\"1-4\"}\nlast");
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
    }

    @Test
    void clientResumesOnAnotherPodAsFarBackAsTheStreamGoes() {
        String at;
        try (Client client = subscribed(pod, "invoice:2", null)) {
            add("invoice:2", 0, 1);
            at = new JsonObject(next(client).split("\n", 2)[0]).getString("id");
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
            at = new JsonObject(next(client).split("\n", 2)[0]).getString("id");
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
        // A stream that was empty until shortly before the interruption gets a gap, because entries may have been
        // trimmed of which Redis did not tell any more.
        add("invoice:4", 0, 1);
        try (Client client = subscribed(pod, "invoice:4", null);
                Client mixed = subscribed(pod, "invoice:4", null)) {
            mixed.send("{\"action\":\"subscribe\",\"channel\":\"upload:4\"}");
            assertThat(next(mixed)).contains("subscribed");
            add("invoice:4", 1, 9);
            redis.kill();
            redis.startAgain();
            add("invoice:4", 10, 50);
            assertHears(client, 1, 59);
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
            await("the pod notices").atMost(30, TimeUnit.SECONDS).until(() -> pod.metric("sluice_feed_live") == 0);
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

    /** Returns the next message that is no mark. */
    private static String next(Client client) {
        String message = client.next();
        return message.startsWith("{\"action\":\"mark\"") ? next(client) : message;
    }

    private static void awaitLive() {
        for (Pod one : List.of(pod, other)) {
            await("the gap is over").atMost(30, TimeUnit.SECONDS).until(() -> one.metric("sluice_feed_live") == 1);
        }
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
