package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.spec.SecretKeySpec;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.jose4j.lang.JoseException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tests the HTTP API for operators, with two pods of one fleet. */
@Order(2)
class OperateIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String SECRET = "a secret of the fleet's, long enough";
    private static final String BOTH =
            "\"pods\":{\"complete\":true,\"answered\":[\"pod-one\",\"pod-two\"],\"missing\":[]}}";
    private static final Pattern SIGNED = Pattern.compile("[\\w-]+\\.([\\w-]+)\\.[\\w-]+");
    private static final String PATH = "/api/users/7/connections";

    @AutoClose
    private static Redis redis;

    @AutoClose
    private static Pod one;

    @AutoClose
    private static Pod two;

    @BeforeAll
    static void start() {
        redis = Redis.start();
        Map<String, String> config = Map.of(
                "sluice.control.secret", SECRET,
                // Enough for a busy machine; tests in which a pod does not answer wait for it.
                "sluice.control.timeout", "2s",
                "sluice.control.questions-per-second", "30",
                "sluice.console.enabled", "true",
                "sluice.routes.upload.presence", "true",
                "sluice.routes.claimed.audience", "subscribers",
                "sluice.routes.claimed.access", "claim",
                "sluice.routes.claimed.history", "false",
                "sluice.routes.claimed.presence", "true",
                "sluice.publish.timeout", "2s");
        one = Pod.started(redis, with(config, "pod-one"));
        two = Pod.ready(redis, with(config, "pod-two"));
        one.awaitReady();
    }

    private static Map<String, String> with(Map<String, String> config, String name) {
        Map<String, String> all = new HashMap<>(config);
        all.put("HOSTNAME", name);
        return all;
    }

    @Test
    void listenersOfThisPodAreShownWithoutASecret() {
        try (Client a = Client.of(STAGE.pod(), "7").subscribe("shown alone")) {
            assertThat(Api.operator(STAGE.pod())
                            .get("/api/channels/upload:shown%20alone")
                            .body())
                    .isEqualTo("{\"scope\":\"pod\",\"channel\":\"upload:shown alone\",\"connections\":1,\"users\":1}");
            assertThat(Api.publisher(STAGE.pod()).get("/api/users/nobody").body())
                    .isEqualTo("{\"scope\":\"pod\",\"user\":\"nobody\",\"online\":false,\"connections\":0}");
            assertThat(a.isOpen()).isTrue();
        }
    }

    @Test
    void presenceWithoutASecretIsThatOfThisPodAndNeverComplete() {
        try (Client client = v2(STAGE.pod(), "7")) {
            client.send("{\"action\":\"subscribe\",\"channel\":\"upload:seen alone\",\"presence\":true}");
            assertThat(next(client, "presence"))
                    .isEqualTo("{\"action\":\"presence\",\"channel\":\"upload:seen alone\",\"scope\":\"pod\","
                            + "\"count\":1,\"users\":[\"7\"],\"complete\":false}");
        }
        assertThat(STAGE.pod().log())
                .containsOnlyOnce("Routes have presence=true, but sluice.control.secret is not set");
        assertThat(one.log()).doesNotContain("Routes have presence=true");
    }

    @Test
    void listenersOfTheFleetAreShown() {
        try (Client a = Client.of(one, "7").subscribe("shown");
                Client b = Client.of(one, "7");
                Client c = Client.of(one, "8").subscribe("shown");
                Client elsewhere = Client.of(two, "7").subscribe("shown")) {
            for (Pod pod : List.of(one, two)) {
                assertThat(Api.operator(pod).get("/api/channels/upload:shown").body())
                        .isEqualTo("{\"scope\":\"fleet\",\"channel\":\"upload:shown\",\"connections\":4,\"users\":2,"
                                + BOTH);
                assertThat(Api.operator(pod).get("/api/channels/user:7").body())
                        .isEqualTo("{\"scope\":\"fleet\",\"channel\":\"user:7\",\"connections\":3,\"users\":1," + BOTH);
                assertThat(Api.publisher(pod).get("/api/users/8").body())
                        .isEqualTo("{\"scope\":\"fleet\",\"user\":\"8\",\"online\":true,\"connections\":1," + BOTH);
            }
            assertThat(Api.operator(one).get("/api/channels/upload:nobody").body())
                    .isEqualTo(
                            "{\"scope\":\"fleet\",\"channel\":\"upload:nobody\",\"connections\":0,\"users\":0," + BOTH);
            assertThat(Api.operator(one).get("/api/users/nobody").body())
                    .isEqualTo("{\"scope\":\"fleet\",\"user\":\"nobody\",\"online\":false,\"connections\":0," + BOTH);
            Api.assertProblem(Api.operator(one).get("/api/channels/team:red"), 400);
            assertThat(List.of(a, b, c, elsewhere)).allMatch(Client::isOpen);
        }
    }

    @Test
    void connectionsOfAUserAreShownWithoutToken() {
        Instant before = Instant.now().truncatedTo(ChronoUnit.MILLIS);
        try (Client a = Client.of(one, "a/b").subscribe("1");
                Client b = Client.of(two, "a/b")) {
            HttpResponse<String> answer = Api.operator(one).get("/api/users/a%2Fb/connections");
            assertThat(answer.statusCode()).isEqualTo(200);
            Json shown = Json.from(answer.body());
            assertThat(shown.getString("scope")).isEqualTo("fleet");
            assertThat(shown.getString("user")).isEqualTo("a/b");
            assertThat(shown.<List<String>>getList("connections.channels"))
                    .containsExactly(List.of("user:a/b", "upload:1"), List.of("user:a/b"));
            assertThat(shown.<String>getList("connections.pod")).containsExactly("pod-one", "pod-two");
            assertThat(shown.getBoolean("pods.complete")).isTrue();
            assertThat(shown.<String>getList("connections.since"))
                    .noneMatch(since -> since.matches(".*\\.\\d{4,}Z"))
                    .allSatisfy(since -> assertThat(Instant.parse(since)).isBetween(before, Instant.now()));
            assertThat(List.of(a, b)).allMatch(Client::isOpen);
        }
        assertThat(Api.operator(one).get("/api/users/nobody/connections").body())
                .isEqualTo("{\"scope\":\"fleet\",\"user\":\"nobody\",\"connections\":[]," + BOTH);
    }

    @Test
    void onlyTheNamedUserIsDisconnectedOnEveryPod() {
        double refused = refused(one) + refused(two);
        try (Client a = Client.of(one, "7");
                Client b = Client.of(one, "7");
                Client elsewhere = Client.of(two, "7");
                Client other = Client.of(two, "77")) {
            HttpResponse<String> answer = Api.operator(one).delete(PATH);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body())
                    .isEqualTo("{\"scope\":\"fleet\",\"user\":\"7\",\"closed\":3,\"receivers\":2," + BOTH);
            for (Client client : List.of(a, b, elsewhere)) {
                assertThat(client.closeCode()).isEqualTo(4503);
            }
            other.assertNothingMore();
            await().until(() -> one.disconnects("operator") >= 2);
        }
        one.awaitHandled(redis);
        assertThat(refused(one) + refused(two)).as("its own echo is no forgery").isEqualTo(refused);
    }

    /** A disconnected user may connect again with the same token. */
    @Test
    void disconnectDoesNotRevokeTheToken() {
        JwtClaims claims = Tokens.claims("replays");
        // Valid for some seconds, five of which are the clock skew.
        claims.setExpirationTime(NumericDate.fromSeconds(NumericDate.now().getValue() + 4));
        String token = Tokens.sign(claims);
        try (Client client = connect(token)) {
            assertThat(client.next()).contains("auth_success");
            Api.operator(two).delete("/api/users/replays/connections");
            assertThat(client.closeCode()).isEqualTo(4503);
        }
        try (Client again = connect(token)) {
            assertThat(again.next()).contains("auth_success");
            redis.publish("user:replays", "here again");
            assertThat(again.next()).isEqualTo("here again");
            assertThat(again.closeCode()).isEqualTo(4010);
        }
        try (Client late = connect(token)) {
            assertThat(late.closeCode()).isEqualTo(4003);
        }
    }

    private static Client connect(String token) {
        return Client.connect(one.webSocket("/ws")).authenticate(token);
    }

    @Test
    void withoutASecretOnlyOnePodDisconnects() {
        try (Client here = Client.of(STAGE.pod(), "disconnected")) {
            assertThat(Api.operator(STAGE.pod())
                            .delete("/api/users/disconnected/connections")
                            .body())
                    .isEqualTo("{\"scope\":\"pod\",\"user\":\"disconnected\",\"closed\":1}");
            assertThat(here.closeCode()).isEqualTo(4503);
        }
    }

    @Test
    void forgedReplayedAndMalformedMessagesAreIgnored() {
        long lines = linesOfInvalid();
        try (Client client = Client.of(one, "7");
                Redis.Listener listener = redis.listen("sluice:control")) {
            double before = refused(one);
            long now = System.currentTimeMillis();
            List<String> forged = List.of(
                    "",
                    "{\"command\":\"disconnect_user\",\"user\":\"7\"}",
                    signed("another secret that is long enough", now, disconnect("7")),
                    signed(SECRET, now - 32_000, disconnect("7")),
                    signed(SECRET, now + 40_000, disconnect("7")),
                    signed("JWT", SECRET, now, disconnect("7")),
                    signed(SECRET, now, disconnect("7")).replaceFirst("^.", "f"),
                    signed(SECRET, now, disconnect("7")) + "x",
                    "x".repeat(5000),
                    "x".repeat(3_000_000));
            forged.forEach(message -> redis.publish("sluice:control", message));
            await().untilAsserted(() -> assertThat(refused(one) - before).isEqualTo(forged.size()));
            // A valid message, which is then a replay.
            Api.operator(two).delete("/api/users/somebody/connections");
            String genuine = next(listener, "disconnect_user");
            redis.publish("sluice:control", genuine);
            String used = signed(SECRET, now, disconnect("somebody"));
            redis.publish("sluice:control", used);
            redis.publish("sluice:control", used);
            await().untilAsserted(() -> assertThat(refused(one) - before).isEqualTo(forged.size() + 2));
            client.assertNothingMore();
        }
        one.awaitLog("ignored invalid messages");
        assertThat(one.log() + two.log()).doesNotContain(SECRET, "disconnect_user", "xxxx");
        // At most one a minute, and another test may have caused the first.
        assertThat(linesOfInvalid()).isPositive().isLessThanOrEqualTo(lines + 1);
    }

    private static long linesOfInvalid() {
        return one.log()
                .lines()
                .filter(line -> line.contains("ignored invalid messages"))
                .count();
    }

    /** Waits for a message of a pod whose signed content contains the text. */
    private static String next(Redis.Listener listener, String text) {
        while (true) {
            String message = listener.next();
            Matcher signed = SIGNED.matcher(message);
            if (signed.matches()
                    && new String(Base64.getUrlDecoder().decode(signed.group(1)), StandardCharsets.UTF_8)
                            .contains(text)) {
                return message;
            }
        }
    }

    @Test
    void frozenPodIsNamedAsMissing() {
        try (Client here = Client.of(one, "frozen pod");
                Client there = Client.of(two, "frozen pod")) {
            two.process().freeze();
            Json online =
                    Json.from(Api.operator(one).get("/api/users/frozen%20pod").body());
            assertThat(online.getInt("connections")).isEqualTo(1);
            assertThat(online.getBoolean("pods.complete")).isFalse();
            assertThat(online.<String>getList("pods.answered")).containsExactly("pod-one");
            assertThat(online.<String>getList("pods.missing")).contains("pod-two");
            Json ended = Json.from(Api.operator(one)
                    .delete("/api/users/frozen%20pod/connections")
                    .body());
            assertThat(ended.getInt("closed")).isEqualTo(1);
            assertThat(ended.getInt("receivers")).isEqualTo(2);
            assertThat(here.closeCode()).isEqualTo(4503);
            two.process().thaw();
            assertThat(there.closeCode()).as("it hears the request later").isEqualTo(4503);
        } finally {
            two.process().thaw();
        }
        await().untilAsserted(() -> assertThat(
                        Json.from(Api.operator(one).get("/api/users/nobody").body())
                                .getBoolean("pods.complete"))
                .isTrue());
    }

    @Tag("long")
    @Test
    void killedPodIsGoneAndDeafPodIsShown() {
        String[] user = {"ACL", "SETUSER", "deaf", "on", ">deaf", "allkeys", "allchannels", "+@all"};
        redis.reply(user);
        Map<String, String> config = Map.of(
                "sluice.control.secret",
                SECRET,
                "quarkus.redis.hosts",
                redis.uri().replace("//", "//deaf:deaf@"));
        Pod three = Pod.ready(redis, with(config, "pod-three"));
        try (three) {
            await().untilAsserted(() -> assertThat(
                            Json.from(Api.operator(one).get("/api/users/nobody").body())
                                    .<String>getList("pods.answered"))
                    .containsExactly("pod-one", "pod-three", "pod-two"));
            await().untilAsserted(() -> {
                Json pods = Json.from(Api.operator(one).get("/api/console/pods").body());
                assertThat(pods.<String>getList("member.pod"))
                        .startsWith("pod-one")
                        .contains("pod-two", "pod-three");
                assertThat(pods.<Boolean>getList("member.live")).doesNotContain(false);
            });
            // It can still publish, and so tell the others.
            redis.reply("ACL", "SETUSER", "deaf", "-psubscribe");
            redis.reply("CLIENT", "KILL", "USER", "deaf", "TYPE", "pubsub");
            awaitRow("pod-three", false, 1);
            redis.reply(user);
            awaitRow("pod-three", true, 1);
            three.process().kill();
            // Redis sees the closed connection at once.
            await().untilAsserted(() -> assertThat(
                            Api.operator(one).get("/api/users/nobody").body())
                    .endsWith(BOTH));
        }
    }

    private static void awaitRow(String pod, boolean live, int gaps) {
        await().untilAsserted(() -> {
            Json row = Json.from(Api.operator(one).get("/api/console/pods").body());
            int index = row.<String>getList("member.pod").indexOf(pod);
            assertThat(index).isNotNegative();
            assertThat(row.getBoolean("[" + index + "].member.live")).isEqualTo(live);
            assertThat(row.getInt("[" + index + "].member.gaps")).isGreaterThanOrEqualTo(gaps);
        });
    }

    @Test
    void withoutRedisQuestionsAreAnsweredInTimeByThisPodOnly() {
        try (Client client = Client.of(one, "no redis");
                Client watcher = v2(one, "no redis")) {
            watcher.send("{\"action\":\"subscribe\",\"channel\":\"upload:no-redis\"}");
            next(watcher, "subscribed");
            redis.freeze();
            Json online =
                    Json.from(Api.operator(one).get("/api/users/no%20redis").body());
            assertThat(online.getBoolean("online")).isTrue();
            Json listening = Json.from(
                    Api.operator(one).get("/api/channels/upload:no-redis").body());
            assertThat(listening.getInt("connections")).isEqualTo(1);
            for (Json answer : List.of(online, listening)) {
                assertThat(answer.getBoolean("pods.complete")).isFalse();
                assertThat(answer.<String>getList("pods.answered")).containsExactly("pod-one");
                assertThat(answer.<String>getList("pods.missing")).contains("pod-two");
            }
            watcher.send("{\"action\":\"presence\",\"channel\":\"upload:no-redis\"}");
            assertThat(next(watcher, "presence")).contains("\"users\":[\"no redis\"]", "\"complete\":false");
            assertThat(client.isOpen()).isTrue();
        } finally {
            redis.thaw();
        }
        for (Pod pod : List.of(one, two)) {
            await("ready").until(() -> pod.status("/q/health/ready") == 200);
        }
    }

    @Test
    void replayedQuestionIsRefusedAndNotAnsweredAgain() {
        try (Redis.Listener listener = redis.listen("sluice:control")) {
            Api.operator(two).get("/api/users/asked");
            String question = next(listener, "asked");
            double before = refused(one);
            redis.publish("sluice:control", question);
            await().untilAsserted(() -> assertThat(refused(one) - before).isEqualTo(1));
        }
        assertThat(one.log() + two.log()).doesNotContain("asked\\");
    }

    @Test
    void questionsAreLimited() throws Exception {
        Api api = Api.operator(two);
        Set<Integer> statuses = new HashSet<>();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            Callable<Integer> ask = () -> api.get("/api/users/nobody").statusCode();
            // A slow machine may take longer for so many than the rate allows.
            await("both answers").until(() -> {
                for (Future<Integer> status : threads.invokeAll(Collections.nCopies(240, ask))) {
                    statuses.add(status.get());
                }
                return statuses.containsAll(Set.of(200, 503));
            });
        } finally {
            threads.shutdown();
        }
        assertThat(statuses).containsOnly(200, 503);
        assertThat(two.metric("sluice_refused_total{limit=\"questions\"}")).isPositive();
        assertThat(two.metric("sluice_questions_total{outcome=\"complete\"}")).isPositive();
        // So that the next test may ask.
        await("the rate is free again")
                .pollDelay(Duration.ofSeconds(1))
                .until(() -> api.get("/api/users/nobody").statusCode() == 200);
    }

    @Test
    void clientsSeeWhoElseListensOnAnyPod() {
        try (Client one7 = v2(one, "7");
                Client two7 = v2(two, "7");
                Client two8 = v2(two, "8")) {
            for (Client client : List.of(one7, two7, two8)) {
                client.send("{\"action\":\"subscribe\",\"channel\":\"upload:seen\"}");
                next(client, "subscribed");
            }
            one7.send("{\"action\":\"presence\",\"channel\":\"upload:seen\",\"id\":1}");
            assertThat(next(one7, "presence"))
                    .isEqualTo("{\"action\":\"presence\",\"channel\":\"upload:seen\",\"scope\":\"fleet\","
                            + "\"connections\":3,\"count\":2,\"users\":[\"7\",\"8\"],\"complete\":true,\"id\":1}");
            // It may hear this one, but does not.
            one7.send("{\"action\":\"presence\",\"channel\":\"upload:unheard\"}");
            assertThat(next(one7, "presence"))
                    .startsWith("{\"action\":\"presence\",\"channel\":\"upload:unheard\",\"scope\":\"fleet\","
                            + "\"connections\":0,\"count\":0,\"users\":[],");
            one7.send("{\"action\":\"presence\",\"channel\":\"claimed:1\"}");
            assertThat(next(one7, "error")).contains("forbidden");
            one7.send("{\"action\":\"presence\",\"channel\":\"user:7\"}");
            assertThat(next(one7, "error")).contains("unknown_action");
            one7.send("{\"action\":\"presence\"}");
            assertThat(next(one7, "error")).contains("bad_message");
        }
        try (Client old = Client.of(one, "7").subscribe("seen")) {
            old.send("{\"action\":\"presence\",\"channel\":\"upload:seen\"}");
            assertThat(old.next()).as("version 1 has no such action").contains("unknown_action");
        }
    }

    private static Client v2(Pod pod, String user) {
        return Client.connect(pod.webSocket("/ws"), Map.of("Authorization", "Bearer " + Tokens.of(user)), "sluice.v2");
    }

    /** Waits for a message with this action. */
    private static String next(Client client, String action) {
        while (true) {
            String message = client.next();
            if (message.startsWith("{\"action\":\"" + action + "\"")) {
                return message;
            }
        }
    }

    @Test
    void traceTellsWhyAUserDidNotGetAPublication() {
        // After an outage of Redis, each pod may begin an era of its own until the other's tick.
        await("positions of one era").untilAsserted(() -> {
            redis.publish("upload:agreed", "x");
            one.awaitHandled(redis);
            two.awaitHandled(redis);
            Json trace = trace("traced", "upload:agreed");
            assertThat(trace.getString("traces[0].trace.publications[0].position"))
                    .isNotNull()
                    .isEqualTo(trace.getString("traces[1].trace.publications[0].position"));
        });
        try (Client early = Client.of(one, "traced").subscribe("traced");
                Client elsewhere = Client.of(two, "traced")) {
            redis.publish("upload:traced", "secret payload");
            early.awaitMessage("secret payload");
            one.awaitHandled(redis);
            two.awaitHandled(redis);
            try (Client late = Client.of(one, "traced")) {
                Json trace = trace("traced", "upload:traced");
                assertThat(trace.getBoolean("pods.complete")).isTrue();
                assertThat(trace.<String>getList("traces.pod")).containsExactly("pod-one", "pod-two");
                assertThat(trace.<Object>getList("traces[0].trace.connections")).hasSize(2);
                assertThat(trace.<Object>getMap("traces[0].trace.publications[0].to")
                                .values())
                        .containsExactlyInAnyOrder("sent", "not_connected");
                assertThat(trace.<Object>getMap("traces[1].trace.publications[0].to")
                                .values())
                        .containsExactly("not_subscribed");
                assertThat(trace.getInt("traces[1].trace.publications[0].bytes"))
                        .isEqualTo(14);
                assertThat(trace.getString("traces[1].trace.publications[0].position"))
                        .isEqualTo(trace.getString("traces[0].trace.publications[0].position"));
                assertThat(late.isOpen()).isTrue();
                assertThat(trace.<Object>get("").toString()).doesNotContainPattern(":\\d\\d\\.\\d{4,}Z");
                assertDescribed("TraceContent", trace, "traces[0].trace");
                assertDescribed("TracedConnection", trace, "traces[0].trace.connections[0]");
                assertDescribed("TracedPublication", trace, "traces[0].trace.publications[0]");
            }
            assertThat(elsewhere.isOpen()).isTrue();
        }
        await().untilAsserted(() -> {
            Json trace = trace("traced", "upload:traced");
            assertThat(trace.<String>getList("traces[0].trace.connections.reason"))
                    .containsOnly("connection_lost");
            assertThat(trace.<Object>getMap("traces[0].trace.publications[0].to")
                            .values())
                    .containsExactlyInAnyOrder("not_connected", "maybe_lost");
        });
        assertThat(Api.operator(one)
                        .get("/api/trace?user=traced&channel=upload:traced")
                        .body())
                .doesNotContain("secret payload");
        for (String query : List.of("", "?user=7", "?user=7&channel=nobody:1", "?channel=upload:1")) {
            Api.assertProblem(Api.operator(one).get("/api/trace" + query), 400);
        }
    }

    @Test
    void traceTellsOfRefusedSubscriptions() {
        try (Client client = Client.of(two, "refused")) {
            client.send("{\"action\":\"subscribe\",\"channel\":\"claimed:1\"}");
            assertThat(client.next()).contains("forbidden");
            Json trace = trace("refused", "claimed:1");
            assertThat(trace.getList("traces[1].trace.refused")).hasSize(1);
            assertThat(trace.<Boolean>getList("traces[1].trace.connections.allowed"))
                    .containsExactly(false);
            assertThat(trace.getString("traces[1].trace.history")).isEqualTo("off");
        }
    }

    /** Asserts that the OpenAPI document has each field of an object. */
    private static void assertDescribed(String schema, Json answer, String object) {
        Json api = Json.from(Api.with(one, "").get("/q/openapi?format=json").body());
        assertThat(api.<Object>getMap("components.schemas." + schema + ".properties")
                        .keySet())
                .containsAll(answer.<Object>getMap(object).keySet());
    }

    private static Json trace(String user, String channel) {
        return Json.from(Api.operator(one)
                .get("/api/trace?user=" + user + "&channel=" + channel)
                .body());
    }

    @Test
    void unknownSignedMessagesAreIgnored() {
        try (Client client = Client.of(one, "7")) {
            for (String content : List.of("{}", "[]", "1", "nonsense", "{\"command\":\"dance\"}")) {
                redis.publish("sluice:control", signed(SECRET, System.currentTimeMillis(), content));
            }
            redis.publish(
                    "sluice:control", signed(SECRET, System.currentTimeMillis(), "{\"command\":\"disconnect_user\"}"));
            one.awaitHandled(redis);
            client.assertNothingMore();
            redis.publish("sluice:control", signed(SECRET, System.currentTimeMillis(), disconnect("7")));
            assertThat(client.closeCode()).as("so the test signs as pods do").isEqualTo(4503);
        }
    }

    @Test
    void withoutRedisOnlyOwnConnectionsAreClosedAndTheAnswerIs503() {
        try (Client client = Client.of(one, "frozen")) {
            redis.freeze();
            Json problem = Api.assertProblem(Api.operator(one).delete("/api/users/frozen/connections"), 503);
            assertThat(problem.getString("detail")).endsWith("connections on this pod: 1");
            assertThat(client.closeCode()).isEqualTo(4503);
        } finally {
            redis.thaw();
        }
        for (Pod pod : List.of(one, two)) {
            await("ready").until(() -> pod.status("/q/health/ready") == 200);
        }
    }

    private static double refused(Pod pod) {
        return pod.metric("sluice_refused_total{limit=\"control\"}");
    }

    private static String disconnect(String user) {
        return "{\"command\":\"disconnect_user\",\"user\":\"" + user + "\"}";
    }

    private static String signed(String secret, long time, String content) {
        return signed("sluice-control+jwt", secret, time, content);
    }

    /** Returns a message signed like a pod's. */
    private static String signed(String type, String secret, long time, String content) {
        try {
            JwtClaims claims = new JwtClaims();
            claims.setAudience("sluice:control");
            claims.setIssuedAt(NumericDate.fromMilliseconds(time));
            claims.setGeneratedJwtId();
            claims.setStringClaim("content", content);
            JsonWebSignature message = new JsonWebSignature();
            message.setHeader("typ", type);
            message.setAlgorithmHeaderValue("HS256");
            message.setPayload(claims.toJson());
            message.setKey(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            return message.getCompactSerialization();
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }
}
