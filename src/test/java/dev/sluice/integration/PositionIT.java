package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients of {@code sluice.v2} get channels and positions. */
@Order(2)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wiresOfOwnPods")
class PositionIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final Map<PodVariant, Pod> PODS = new EnumMap<>(PodVariant.class);

    private final Map<String, String> config;
    private final Pod pod;

    PositionIT(PodVariant variant) {
        config = variant.with(Map.of("sluice.clock.interval", "200ms", "sluice.heartbeat.interval", "2s"));
        pod = PODS.computeIfAbsent(variant, x -> Pod.ready(STAGE.redis(), config));
    }

    @AfterAll
    static void stop() {
        PODS.values().forEach(Pod::close);
        PODS.clear();
    }

    @Test
    void publicationsCarryChannelAndPosition() {
        try (Client client = connect(pod, "7")) {
            String upload = Stage.upload();
            client.send("{\"action\":\"subscribe\",\"channel\":\"upload:" + upload + "\"}");
            JsonObject answer = nextOwn(client, "subscribed");
            assertThat(answer.getString("channel")).isEqualTo("upload:" + upload);
            STAGE.redis().publish("user:7", "");
            assertThat(nextPublication(client, "user:7")).isEmpty();
            STAGE.redis().publish("upload:" + upload, "{\"a\":\n\"é\"}");
            assertThat(nextPublication(client, "upload:" + upload)).isEqualTo("{\"a\":\n\"é\"}");
        }
    }

    @Test
    void payloadThatIsNotUtf8ArrivesInABinaryFrame() {
        try (Client client = connect(pod, "8")) {
            byte[] payload = {(byte) 0xff, 0, '\n', (byte) 0xfe};
            STAGE.redis().publish("user:8", payload);
            byte[] message = client.nextBinary();
            int end = 0;
            while (message[end] != '\n') {
                end++;
            }
            JsonObject header = new JsonObject(new String(message, 0, end, StandardCharsets.UTF_8));
            assertThat(header.getString("channel")).isEqualTo("user:8");
            assertThat(header.getString("at")).isNotEmpty();
            assertThat(Arrays.copyOfRange(message, end + 1, message.length)).isEqualTo(payload);
        }
    }

    /** Last, because it ends the pod. */
    @Test
    @Order(Integer.MAX_VALUE)
    void marksFollowHeartbeatsAndPrecedeTheClose() {
        try (Client client = connect(pod, "7")) {
            String first = nextOwn(client, "mark").getString("at");
            await("the clock goes on")
                    .until(() -> !nextOwn(client, "mark").getString("at").equals(first));
            pod.terminate();
            assertThat(client.closeCode()).isEqualTo(1012);
            List<Object> rest = client.rest();
            assertThat((String) rest.get(rest.size() - 1)).startsWith("{\"action\":\"mark\",\"at\":\"");
        }
    }

    @Tag("long")
    @Test
    void adoptedEraIsToldWithoutAHeartbeat() {
        Map<String, String> quiet = new HashMap<>(config);
        quiet.putAll(Map.of("sluice.heartbeat.interval", "1h", "sluice.gap.spread", "500ms"));
        try (Redis redis = Redis.start();
                Pod own = Pod.ready(redis, quiet);
                Client client = connect(own, "7")) {
            redis.kill();
            assertThat(client.nextGap()).contains("\"until\":null");
            redis.startAgain();
            assertThat(nextOwn(client, "mark").getString("at")).matches("[!-~]{1,96}");
        }
    }

    /** Connects once the pod has positions. */
    private static Client connect(Pod pod, String user) {
        pod.awaitPositions();
        Client client =
                Client.connect(pod.webSocket("/ws"), Map.of(), "sluice.v2").authenticate(Tokens.of(user));
        JsonObject success = nextOwn(client, "auth_success");
        assertThat(success.getString("user_id")).isEqualTo(user);
        assertThat(success.getString("at")).matches("[!-~]{1,96}");
        return client;
    }

    private static String nextPublication(Client client, String channel) {
        String message = client.next();
        while (!message.contains("\n")) {
            message = client.next();
        }
        JsonObject header = new JsonObject(message.substring(0, message.indexOf('\n')));
        assertThat(header.getString("channel")).isEqualTo(channel);
        assertThat(header.getString("at")).isNotEmpty();
        return message.substring(message.indexOf('\n') + 1);
    }

    private static JsonObject nextOwn(Client client, String action) {
        JsonObject message = new JsonObject(client.next());
        while (!message.getString("action").equals(action)) {
            message = new JsonObject(client.next());
        }
        return message;
    }
}
