package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Order(2)
class PublishIT {

    private static final int MAX_PAYLOAD = 64 * 1024;
    private static final int CONCURRENCY = 8;
    private static final String ABANDONED = "sluice_refused_total{limit=\"publish-abandoned\"}";
    private static final String PATH = "/api/channels/user:7/messages";

    @AutoClose
    private static Redis redis;

    @AutoClose
    private static TcpProxy way;

    @AutoClose
    private static Pod pod;

    private static Api api;

    @BeforeAll
    static void start() {
        redis = Redis.withOptions("--notify-keyspace-events", "Kt");
        way = new TcpProxy(redis.port());
        Map<String, String> settings = new HashMap<>(Map.of(
                "sluice.routes.stored.audience", "user",
                "sluice.routes.stored.source", "stream",
                "sluice.routes.moving.audience", "user",
                "sluice.routes.moving.source", "both",
                "sluice.streams.max-length", "200",
                "sluice.streams.max-age", "1h"));
        settings.putAll(Map.of(
                "quarkus.redis.hosts", way.redisUri(),
                "sluice.max-payload", "64K",
                "sluice.publish.timeout", "4s",
                "sluice.publish.concurrency", "" + CONCURRENCY,
                "sluice.canary.interval", "200ms",
                // A slow machine must not cause a gap.
                "sluice.canary.missed-beats", "15"));
        pod = Pod.ready(redis, settings);
        api = Api.publisher(pod);
    }

    @Test
    void postedBodyArrivesUnchanged() {
        try (Client client = Client.of(pod, "7")) {
            HttpResponse<String> answer = api.post(PATH, "hello".getBytes(StandardCharsets.UTF_8));
            assertThat(answer.statusCode()).isEqualTo(202);
            assertThat(answer.body()).isEqualTo("{\"receivers\":1}");
            assertThat(client.next()).isEqualTo("hello");
            byte[] binary = new byte[256];
            for (int i = 0; i < binary.length; i++) {
                binary[i] = (byte) i;
            }
            for (String type :
                    new String[] {"application/json", "image/png", "text/plain;charset=utf-16", "application/x-nonsense"
                    }) {
                assertThat(api.post(PATH, binary, "Content-Type", type).statusCode())
                        .as(type)
                        .isEqualTo(202);
                assertThat(client.nextBinary()).isEqualTo(binary);
            }
            api.post(PATH, new byte[0]);
            assertThat(client.next()).isEmpty();
        }
    }

    @Test
    void postedBodyBecomesAnEntryOfAStream() {
        String channel = "stored:" + System.nanoTime();
        List<String> ids = new ArrayList<>();
        for (String payload : new String[] {"one", "", "zwölf\r\n"}) {
            ids.add(added(channel, payload));
        }
        assertThat(redis.reply("XRANGE", channel, "-", "+"))
                .isEqualTo(List.of(
                        List.of(ids.get(0), List.of("data", "one")),
                        List.of(ids.get(1), List.of("data", "")),
                        List.of(ids.get(2), List.of("data", "zwölf\r\n"))));
        awaitExpiry(channel);
    }

    @Test
    void streamIsTrimmedAndItsExpiryRenewed() {
        String channel = "stored:" + System.nanoTime();
        for (int i = 0; i < 1_000; i++) {
            redis.reply("XADD", channel, "*", "data", "x");
        }
        redis.reply("PEXPIRE", channel, "60000");
        added(channel, "x");
        // Redis trims whole blocks of a hundred entries.
        assertThat((Long) redis.reply("XLEN", channel)).isBetween(200L, 300L);
        awaitExpiry(channel);
    }

    private static String added(String channel, String payload) {
        HttpResponse<String> answer =
                api.post("/api/channels/" + channel + "/messages", payload.getBytes(StandardCharsets.UTF_8));
        assertThat(answer.statusCode()).isEqualTo(202);
        assertThat(answer.body()).matches("\\{\"id\":\"\\d+-\\d+\"}");
        return Json.from(answer.body()).getString("id");
    }

    /** The expiry follows the answer. */
    private static void awaitExpiry(String channel) {
        await("expiry")
                .untilAsserted(() -> assertThat((Long) redis.reply("PTTL", channel))
                        .isBetween(TimeUnit.MINUTES.toMillis(59), TimeUnit.HOURS.toMillis(1)));
    }

    @Test
    void keyOfAnotherTypeIsLeftAlone() {
        redis.reply("SET", "stored:other", "precious");
        Api.assertProblem(api.post("/api/channels/stored:other/messages", "x"), 409);
        // The connection's commands are in order, so that an expiry would have been set before this entry.
        added("stored:" + System.nanoTime(), "x");
        assertThat(redis.reply("GET", "stored:other")).isEqualTo("precious");
        assertThat(redis.reply("PTTL", "stored:other")).isEqualTo(-1L);
    }

    /** A publisher that got a 503 would repeat it, and so duplicate the entry. */
    @Test
    void entryWithoutExpiryIsConfirmedAndCounted() {
        double before = pod.metric("sluice_streams_unexpiring_total");
        redis.reply("ACL", "SETUSER", "default", "-pexpire");
        try {
            String channel = "stored:" + System.nanoTime();
            added(channel, "x");
            pod.awaitMetric("sluice_streams_unexpiring_total", before + 1);
            assertThat(redis.reply("PTTL", channel)).isEqualTo(-1L);
        } finally {
            redis.reply("ACL", "SETUSER", "default", "+pexpire");
        }
    }

    @Test
    void routeWithBothSourcesIsPublished() {
        try (Client client = Client.of(pod, "7")) {
            assertThat(api.post("/api/channels/moving:7/messages", "x").body()).isEqualTo("{\"receivers\":1}");
            assertThat(client.next()).isEqualTo("x");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "user:a%2Fb, user:a/b",
        "user:a:b, user:a:b",
        "user%3Aa%3Ab, user:a:b",
        "user:a%3Bb, user:a;b",
        "user:a+b, user:a+b",
        "user:%C3%A9, user:é",
    })
    void idsMayContainAnyCharacterOfAUser(String path, String channel) {
        try (Client client = Client.of(pod, channel.substring("user:".length()))) {
            assertThat(api.post("/api/channels/" + path + "/messages", "x").statusCode())
                    .isEqualTo(202);
            assertThat(client.next()).isEqualTo("x");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"user", "user:", ":7", "team:7", "sluice:control", "sluice:canary:1", "%20user:7", "user:%FF"})
    void invalidChannelIsRefused(String channel) {
        Api.assertProblem(api.post("/api/channels/" + channel + "/messages", "x"), 400);
    }

    @Test
    void idOver256BytesIsRefused() {
        assertThat(api.post("/api/channels/user:" + "é".repeat(128).replace("é", "%C3%A9") + "/messages", "x")
                        .statusCode())
                .isEqualTo(202);
        Api.assertProblem(api.post("/api/channels/user:" + "x".repeat(257) + "/messages", "x"), 400);
    }

    @Test
    void payloadOverTheLimitIsRefusedWithAndWithoutContentLength() {
        try (Client client = Client.of(pod, "7")) {
            byte[] most = "x".repeat(MAX_PAYLOAD).getBytes(StandardCharsets.US_ASCII);
            byte[] more = new byte[MAX_PAYLOAD + 1];
            assertThat(api.post(PATH, most).statusCode()).isEqualTo(202);
            assertThat(api.postInChunks(PATH, most).statusCode()).isEqualTo(202);
            assertThat(client.next()).hasSize(MAX_PAYLOAD);
            assertThat(client.next()).hasSize(MAX_PAYLOAD);
            Api.assertProblem(api.post(PATH, more), 413);
            Api.assertProblem(api.postInChunks(PATH, more), 413);
            Api.assertProblem(api.postInChunks(PATH, new byte[8 * MAX_PAYLOAD]), 413);
            client.assertNothingMore();
        }
    }

    @Test
    void missingBodiesAreBoundedInTimeAndNumber() throws IOException {
        String head = "POST " + PATH + " HTTP/1.1\r\nHost: localhost:" + pod.port()
                + "\r\nContent-Length: 10\r\nAuthorization: Bearer " + Tokens.withGroups("slow", "publisher")
                + "\r\n\r\nx";
        double before = refused();
        List<String> answers = new ArrayList<>();
        await("one more than may wait is refused").atMost(2, TimeUnit.MINUTES).until(() -> {
            answers.clear();
            answers.addAll(answersAtOnce(head, 3 * CONCURRENCY));
            return answers.stream().anyMatch(answer -> answer.startsWith("HTTP/1.1 503"));
        });
        assertThat(answers).allSatisfy(answer -> {
            if (answer.startsWith("HTTP/1.1 503")) {
                assertThat(answer).containsIgnoringCase("\r\nRetry-After: ");
            } else {
                assertThat(answer).startsWith("HTTP/1.1 408");
            }
        });
        assertThat(answers.stream().filter(answer -> answer.startsWith("HTTP/1.1 408")))
                .hasSizeGreaterThanOrEqualTo(CONCURRENCY);
        assertThat(refused()).isGreaterThan(before);
        assertThat(api.post(PATH, "x").statusCode()).isEqualTo(202);
    }

    /** Returns the heads of the answers to several requests sent at once. */
    private static List<String> answersAtOnce(String request, int times) throws IOException {
        List<Socket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < times; i++) {
                Socket socket = new Socket("localhost", pod.port());
                socket.setSoTimeout(30_000);
                sockets.add(socket);
            }
            for (Socket socket : sockets) {
                socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            }
            List<String> answers = new ArrayList<>();
            for (Socket socket : sockets) {
                answers.add(RawClient.head(socket));
            }
            return answers;
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    private static double refused() {
        return pod.metric("sluice_refused_total{limit=\"publish-concurrency\"}");
    }

    @Test
    void unconfirmedPublicationIsNotAcknowledged() {
        long lines = linesOfUnconfirmed();
        redis.freeze();
        assertNotConfirmed();
        Api.assertProblem(api.post("/api/channels/stored:7/messages", "x"), 503);
        redis.thaw();
        awaitPublished();
        redis.kill();
        assertNotConfirmed();
        redis.startAgain();
        awaitPublished();
        // At most one a minute, and another test may have caused the first.
        assertThat(linesOfUnconfirmed()).isPositive().isLessThanOrEqualTo(lines + 1);
    }

    private static long linesOfUnconfirmed() {
        return pod.log()
                .lines()
                .filter(line -> line.contains("did not confirm"))
                .count();
    }

    @Test
    void silentlyCutRedisConnectionIsReplaced() {
        awaitPublished();
        way.swallow();
        assertNotConfirmed();
        way.heal();
        awaitPublished();
    }

    /** Also if the client has started another request, of which Vert.x alone would lose track. */
    @ParameterizedTest
    @ValueSource(strings = {"", "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx"})
    void waitingPostOfADisconnectedClientIsNotPublished(String behind) throws IOException {
        awaitPublished();
        double before = pod.metric(ABANDONED);
        String post = "POST " + PATH + " HTTP/1.1\r\nHost: localhost:" + pod.port() + "\r\nAuthorization: Bearer "
                + Tokens.withGroups("leaving", "publisher") + "\r\nContent-Length: 4\r\n\r\nleft" + behind;
        List<Socket> sockets = new ArrayList<>();
        try (Client client = Client.of(pod, "7")) {
            long files = pod.openFiles();
            redis.freeze();
            // One request waits for those under way, and two are refused.
            for (int i = 0; i < CONCURRENCY + 3; i++) {
                Socket socket = new Socket("localhost", pod.port());
                sockets.add(socket);
                socket.getOutputStream().write(post.getBytes(StandardCharsets.US_ASCII));
            }
            await("all places are taken").until(() -> answered(sockets) == 2);
            for (Socket socket : sockets) {
                socket.close();
            }
            await("they have left").until(() -> pod.openFiles() <= files);
            redis.thaw();
            pod.awaitMetric(ABANDONED, before + 1);
            awaitPublished();
            int published = 0;
            for (String message = client.next(); !message.equals("x"); message = client.next()) {
                assertThat(message).isEqualTo("left");
                published++;
            }
            assertThat(published).isLessThanOrEqualTo(CONCURRENCY);
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
        pod.assertNoErrors();
    }

    private static int answered(List<Socket> sockets) throws IOException {
        int answered = 0;
        for (Socket socket : sockets) {
            answered += socket.getInputStream().available() > 0 ? 1 : 0;
        }
        return answered;
    }

    private static void assertNotConfirmed() {
        HttpResponse<String> answer = api.post(PATH, "x");
        Api.assertProblem(answer, 503);
        assertThat(answer.headers().firstValueAsLong("Retry-After").orElse(0)).isBetween(1L, 5L);
    }

    private static void awaitPublished() {
        await("published").until(() -> api.post(PATH, "x").statusCode() == 202);
        // Waits until the pod hears Redis again, so that later tests lose nothing.
        pod.awaitReady();
    }
}
