package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.Tokens;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients resume from a position, on the same pod or another one. */
@Tag("chaos")
class ResumeIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final Map<String, String> QUICK = Map.of(
            "sluice.clock.interval", "200ms",
            "sluice.routes.plain.audience", "subscribers",
            "sluice.routes.plain.access", "open",
            "sluice.routes.plain.history", "false");

    private static final String RECOVERED = "sluice_resumes_total{outcome=\"recovered\"}";
    private static final String MISMATCH = "sluice_resumes_total{outcome=\"mismatch\"}";
    private static final String UNKNOWN = "sluice_resumes_total{outcome=\"unknown\"}";

    /** The number of publications before, during and after the absence. */
    private static final int PART = 200;

    private static Redis redis;
    private static Pod pod;

    @BeforeAll
    static void start() {
        redis = Redis.start();
        pod = Pod.ready(redis, QUICK);
    }

    @AfterAll
    static void stop() {
        pod.close();
        redis.close();
    }

    @Test
    void clientOfAKilledPodResumesOnAnotherPodWithoutLossOrDuplicate() {
        Pod two = pod;
        double recovered = two.metric(RECOVERED);
        try (Pod one = Pod.ready(redis, QUICK)) {
            awaitSamePositions(one, two);
            Browser browser = new Browser();
            try (Client client = browser.connect(one)) {
                browser.awaitAnswers(client);
                browser.publish(0);
                browser.hearUntil(client, PART / 2);
                one.process().kill();
            }
            browser.publish(PART);
            try (Client client = browser.connect(two)) {
                browser.awaitAnswers(client);
                browser.publish(2 * PART);
                browser.hearUntil(client, 3 * PART);
            }
            assertThat(browser.refused).isZero();
            // Two messages resume the user's channel and the others, each in order.
            assertThat(browser.heard)
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.range(0, 3 * PART).boxed().toList());
            assertThat(browser.heard.stream().filter(number -> number % 3 == 0)).isSorted();
            assertThat(browser.heard.stream().filter(number -> number % 3 != 0)).isSorted();
            two.awaitMetric(RECOVERED, recovered + 2);
        }
    }

    @Test
    void positionFromBeforeARestartOfRedisIsRefused() {
        awaitPositions(pod);
        double mismatches = pod.metric(MISMATCH);
        Browser browser = new Browser();
        try (Client client = browser.connect(pod)) {
            browser.awaitAnswers(client);
            browser.publish(0);
            browser.hearUntil(client, PART);
        }
        long eras = eras(pod);
        redis.kill();
        redis.startAgain();
        await("the gap is over").until(() -> pod.metric("sluice_feed_live") == 1 && eras(pod) > eras);
        try (Client client = browser.connect(pod)) {
            browser.awaitAnswers(client);
        }
        assertThat(browser.refused).isEqualTo(3);
        pod.awaitMetric(MISMATCH, mismatches + 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "7",
                "[]",
                "\"\"",
                "\"1.2\"",
                "\"1-1.x.1\"",
                "\"1-1.1.1\"",
                "\"1-1.16777217.1 \"",
                "\"18f3c-9a1b.99999999999999999999.7\""
            })
    void sinceThatIsNoPositionIsAnswered(String since) {
        Pod stage = STAGE.pod();
        try (Client client = connect(stage)) {
            client.authenticate(Tokens.of("7"));
            next(client, "auth_success");
            client.send("{\"action\":\"subscribe\",\"channel\":\"upload:1\",\"id\":5,\"since\":" + since + "}");
            JsonObject error = next(client, "error");
            assertThat(error.getString("code")).isEqualTo("bad_message");
            assertThat(error.getInteger("id")).isEqualTo(5);
            client.send("{\"action\":\"ping\",\"id\":6}");
            assertThat(next(client, "pong").getInteger("id")).isEqualTo(6);
        }
        try (Client client = connect(stage)) {
            client.send("{\"type\":\"auth\",\"token\":\"" + Tokens.of("7") + "\",\"since\":" + since + "}");
            assertThat(client.closeCode()).isEqualTo(4002);
        }
    }

    @Test
    void sinceInTheUpgradeRequestResumesTheUsersChannels() {
        Pod stage = STAGE.pod();
        Map<String, String> bearer = Map.of("Authorization", "Bearer " + Tokens.of("upgrading"));
        String at;
        try (Client client = Client.connect(stage.webSocket("/ws"), bearer, ResumingClient.SUBPROTOCOL)) {
            at = next(client, "auth_success").getString("at");
        }
        STAGE.redis().publish("user:upgrading", "meanwhile");
        URI back = URI.create(stage.webSocket("/ws") + "?since=" + at);
        try (Client client = Client.connect(back, bearer, ResumingClient.SUBPROTOCOL)) {
            assertThat(next(client, "auth_success").getBoolean("recovered")).isTrue();
            assertThat(client.next()).contains("\"pos\":").endsWith("\nmeanwhile");
            next(client, "mark");
        }
        try (Client client = Client.connect(back, bearer)) {
            assertThat(client.next()).as("v1 has no positions").doesNotContain("recovered");
        }
        URI malformed = URI.create(stage.webSocket("/ws") + "?since=x");
        assertThat(Client.refusal(malformed, bearer, ResumingClient.SUBPROTOCOL))
                .isEqualTo(400);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1-1.33554432.1", "ffffff-1.16777216.0"})
    void positionOfAnotherFleetIsRefused(String since) {
        try (Client client = connect(STAGE.pod())) {
            client.send("{\"type\":\"auth\",\"token\":\"" + Tokens.of("7") + "\",\"since\":\"" + since + "\"}");
            JsonObject answer = next(client, "auth_success");
            assertThat(answer.getBoolean("recovered")).isFalse();
            client.send(
                    "{\"action\":\"subscribe\",\"channels\":[\"upload:a\",\"upload:b\"],\"since\":\"" + since + "\"}");
            assertThat(next(client, "subscribed").getBoolean("recovered")).isFalse();
            assertThat(next(client, "subscribed").getBoolean("recovered")).isFalse();
        }
    }

    @Test
    void futurePositionWaitsAndIsRefused() {
        awaitPositions(pod);
        double unknown = pod.metric(UNKNOWN);
        String[] now;
        try (Client client = connect(pod).authenticate(Tokens.of("7"))) {
            now = next(client, "auth_success").getString("at").split("\\.");
        }
        String future = now[0] + "." + (Long.parseLong(now[1]) + (1_000L << 24)) + ".1";
        try (Client client = connect(pod)) {
            client.send("{\"type\":\"auth\",\"token\":\"" + Tokens.of("7") + "\",\"since\":\"" + future + "\"}");
            assertThat(next(client, "auth_success").getBoolean("recovered")).isFalse();
        }
        pod.awaitMetric(UNKNOWN, unknown + 1);
    }

    @Test
    void onlyRoutesWithHistoryAreRecovered() {
        awaitPositions(pod);
        String at;
        try (Client client = connect(pod).authenticate(Tokens.of("7"))) {
            at = next(client, "auth_success").getString("at");
        }
        redis.publish("plain:1", "lost");
        redis.publish("upload:1", "kept");
        pod.awaitHandled(redis);
        try (Client client = connect(pod).authenticate(Tokens.of("7"))) {
            next(client, "auth_success");
            client.send("{\"action\":\"subscribe\",\"channels\":[\"plain:1\",\"upload:1\"],\"since\":\"" + at + "\"}");
            Map<String, Boolean> recovered = new HashMap<>();
            for (int i = 0; i < 2; i++) {
                JsonObject answer = next(client, "subscribed");
                recovered.put(answer.getString("channel"), answer.getBoolean("recovered"));
            }
            assertThat(recovered).containsEntry("plain:1", false).containsEntry("upload:1", true);
            assertThat(client.next()).contains("\"upload:1\"").endsWith("\nkept");
        }
    }

    private static Client connect(Pod pod) {
        return Client.connect(pod.webSocket("/ws"), Map.of(), ResumingClient.SUBPROTOCOL);
    }

    private static JsonObject next(Client client, String action) {
        String message = client.next();
        while (message.contains("\n") || !action.equals(new JsonObject(message).getString("action"))) {
            message = client.next();
        }
        return new JsonObject(message);
    }

    private static void awaitPositions(Pod pod) {
        await("positions").until(() -> eras(pod) > 0);
    }

    private static void awaitSamePositions(Pod one, Pod two) {
        await("one era").until(() -> !era(one).isEmpty() && era(one).equals(era(two)));
    }

    private static String era(Pod pod) {
        return pod.log()
                .lines()
                .filter(line -> line.contains("positions in era"))
                .reduce("", (before, line) -> line.substring(line.lastIndexOf(' ')));
    }

    private static long eras(Pod pod) {
        return pod.log()
                .lines()
                .filter(line -> line.contains("positions in era"))
                .count();
    }

    /** A client that follows the protocol's rules for positions. */
    private static final class Browser {
        private final List<String> channels = List.of("upload:" + Stage.upload(), "upload:" + Stage.upload());
        private final ResumingClient memory = new ResumingClient("7", channels);
        private final List<Integer> heard = new ArrayList<>();
        private int refused;

        /** Publishes on the channels in turn, so that a replay has several channels. */
        void publish(int from) {
            for (int number = from; number < from + PART; number++) {
                int turn = number % 3;
                redis.publish(turn == 0 ? "user:7" : channels.get(turn - 1), Integer.toString(number));
            }
        }

        Client connect(Pod pod) {
            Client client = ResumeIT.connect(pod);
            memory.opened(Tokens.of("7")).forEach(client::send);
            return client;
        }

        void awaitAnswers(Client client) {
            while (!memory.isAnswered()) {
                hear(client);
            }
        }

        /** Reads until it has received this number of publications, and a position. */
        void hearUntil(Client client, int count) {
            while (heard.size() < count) {
                hear(client);
            }
        }

        private void hear(Client client) {
            ResumingClient.Frame frame = memory.heard(client.next());
            refused += frame.isRefused() ? 1 : 0;
            if (frame.payload().isPresent() && !frame.repeated()) {
                heard.add(Integer.valueOf(frame.payload().get()));
            }
        }
    }
}
