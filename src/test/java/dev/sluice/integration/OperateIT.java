package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.crypto.spec.SecretKeySpec;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.jose4j.lang.JoseException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Tests the HTTP API for operators, with two pods of one fleet. */
class OperateIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String SECRET = "a secret of the fleet's, long enough";
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
        Map<String, String> config = Map.of("sluice.control.secret", SECRET, "sluice.publish.timeout", "2s");
        one = Pod.started(redis, config);
        two = Pod.ready(redis, config);
        one.awaitReady();
    }

    @Test
    void listenersOfThisPodAreShown() {
        try (Client a = Client.of(one, "7").subscribe("shown");
                Client b = Client.of(one, "7");
                Client c = Client.of(one, "8").subscribe("shown");
                Client elsewhere = Client.of(two, "7").subscribe("shown")) {
            assertThat(Api.operator(one).get("/api/channels/upload:shown").body())
                    .isEqualTo("{\"scope\":\"pod\",\"channel\":\"upload:shown\",\"connections\":3,\"users\":2}");
            assertThat(Api.operator(one).get("/api/channels/user:7").body())
                    .isEqualTo("{\"scope\":\"pod\",\"channel\":\"user:7\",\"connections\":2,\"users\":1}");
            assertThat(Api.operator(two).get("/api/channels/upload:shown").body())
                    .contains("\"connections\":1");
            assertThat(Api.operator(one).get("/api/channels/upload:nobody").body())
                    .isEqualTo("{\"scope\":\"pod\",\"channel\":\"upload:nobody\",\"connections\":0,\"users\":0}");
            Api.assertProblem(Api.operator(one).get("/api/channels/team:red"), 400);
            assertThat(List.of(a, b, c, elsewhere)).allMatch(Client::isOpen);
        }
    }

    @Test
    void connectionsOfAUserAreShownWithoutToken() {
        Instant before = Instant.now();
        try (Client a = Client.of(one, "a/b").subscribe("1");
                Client b = Client.of(one, "a/b")) {
            HttpResponse<String> answer = Api.operator(one).get("/api/users/a%2Fb/connections");
            assertThat(answer.statusCode()).isEqualTo(200);
            Json shown = Json.from(answer.body());
            assertThat(shown.getString("scope")).isEqualTo("pod");
            assertThat(shown.getString("user")).isEqualTo("a/b");
            assertThat(shown.<List<String>>getList("connections.channels"))
                    .containsExactly(List.of("user:a/b", "upload:1"), List.of("user:a/b", "upload:1"));
            assertThat(shown.<String>getList("connections.since"))
                    .allSatisfy(since -> assertThat(Instant.parse(since)).isBetween(before, Instant.now()));
            assertThat(List.of(a, b)).allMatch(Client::isOpen);
        }
        assertThat(Api.operator(one).get("/api/users/nobody/connections").body())
                .isEqualTo("{\"scope\":\"pod\",\"user\":\"nobody\",\"connections\":[]}");
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
            assertThat(answer.body()).isEqualTo("{\"scope\":\"fleet\",\"user\":\"7\",\"closed\":2,\"receivers\":2}");
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
        // Valid only within the clock skew.
        claims.setExpirationTime(NumericDate.now());
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
            String genuine = listener.next();
            redis.publish("sluice:control", genuine);
            String used = signed(SECRET, now, disconnect("somebody"));
            redis.publish("sluice:control", used);
            redis.publish("sluice:control", used);
            await().untilAsserted(() -> assertThat(refused(one) - before).isEqualTo(forged.size() + 2));
            client.assertNothingMore();
        }
        one.awaitLog("ignored invalid messages");
        assertThat(one.log() + two.log()).doesNotContain(SECRET, "disconnect_user", "xxxx");
        assertThat(one.log().lines().filter(line -> line.contains("ignored invalid messages")))
                .hasSize(1);
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
            await("ready").atMost(30, TimeUnit.SECONDS).until(() -> pod.status("/q/health/ready") == 200);
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
