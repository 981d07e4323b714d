package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.EventClient;
import dev.sluice.harness.EventParser.Event;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Server-sent events. */
@Order(1)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Tag("chaos")
class EventStreamIT {

    private static final String PAGE = "https://pages.example";

    private static final Map<String, String> CONFIG = Map.ofEntries(
            Map.entry("sluice.clock.interval", "200ms"),
            Map.entry("sluice.heartbeat.interval", "2s"),
            // Streams last longer than these.
            Map.entry("sluice.http.request-timeout", "5s"),
            Map.entry("quarkus.http.idle-timeout", "5s"),
            Map.entry("quarkus.http.enable-compression", "true"),
            Map.entry("sluice.drain.period", "500ms"),
            Map.entry("sluice.limits.connections-per-user", "3"),
            Map.entry("sluice.limits.subscriptions-per-user", "20"),
            Map.entry("sluice.origins", PAGE),
            Map.entry("mp.jwt.token.header", "Cookie"),
            Map.entry("mp.jwt.token.cookie", "session"),
            Map.entry("sluice.routes.plain.audience", "subscribers"),
            Map.entry("sluice.routes.plain.access", "open"),
            Map.entry("sluice.routes.plain.history", "false"),
            Map.entry("sluice.routes.team.audience", "subscribers"),
            Map.entry("sluice.routes.team.access", "claim"));

    /** The number of publications before, during and after the absence. */
    private static final int PART = 200;

    private static final AtomicInteger USERS = new AtomicInteger();

    private static Redis redis;
    private static Pod pod;
    private static Pod other;

    @BeforeAll
    static void start() {
        redis = Redis.start();
        pod = Pod.ready(redis, CONFIG);
        other = Pod.ready(redis, CONFIG);
        awaitSamePositions(pod, other);
    }

    @AfterAll
    static void stop() {
        other.close();
        pod.close();
        redis.close();
    }

    @Test
    void streamCarriesPublicationsOfTheUserAndTheChannels() {
        try (EventClient client = EventClient.of(pod, "a1", "?channel=upload:a1&channel=plain:a1")) {
            assertThat(client.status()).isEqualTo(200);
            assertThat(client.header("Content-Type")).isEqualTo("text/event-stream");
            assertThat(client.header("Cache-Control")).isEqualTo("no-store");
            assertThat(client.header("X-Accel-Buffering")).isEqualTo("no");
            assertThat(client.header("Transfer-Encoding")).isEqualTo("chunked");
            Event first = client.next();
            assertThat(first.type()).isEqualTo("sluice");
            assertThat(first.lastEventId()).isEmpty();
            assertThat(first.data())
                    .isEqualTo("{\"action\":\"subscribed\",\"channels\":[\"user:a1\",\"upload:a1\",\"plain:a1\"]}");
            String start = client.awaitId();
            for (String channel : List.of("upload:a1", "user:a1", "plain:a1")) {
                redis.publish(channel, "{\n  \"in\": \"" + channel + "\"\n}");
                Event event = client.next();
                assertThat(event.type()).isEqualTo("message");
                assertThat(event.data()).isEqualTo("{\n  \"in\": \"" + channel + "\"\n}");
                assertThat(event.lastEventId()).isNotEqualTo(start);
                start = event.lastEventId();
            }
            assertThat(pod.metric("sluice_connections{protocol=\"sse\",state=\"authenticated\"}"))
                    .isPositive();
        }
        pod.awaitMetric("sluice_connections{protocol=\"sse\",state=\"authenticated\"}", 0);
    }

    @Test
    void cookieAuthenticates() {
        try (EventClient client =
                EventClient.send(pod.port(), "GET", "?channel=upload:a2", "Cookie: session=" + Tokens.of("a2"))) {
            assertThat(client.next().data()).contains("\"user:a2\"");
        }
    }

    @Test
    void userFalseLeavesOutTheUsersChannels() {
        try (EventClient client = EventClient.of(pod, "a3", "?user=false&channel=upload:a3")) {
            assertThat(client.next().data()).isEqualTo("{\"action\":\"subscribed\",\"channels\":[\"upload:a3\"]}");
            redis.publish("user:a3", "private");
            redis.publish("upload:a3", "public");
            assertThat(client.publication().data()).isEqualTo("public");
        }
    }

    @Test
    void namedEventsCarryTheirChannelAndBinaryIsBase64() {
        try (EventClient client = EventClient.of(pod, "a4", "?named=true&channel=upload:a4")) {
            client.next();
            redis.publish("upload:a4", "text");
            redis.publish("upload:a4", new byte[] {(byte) 0xff, 0, 1});
            assertThat(client.next()).extracting(Event::type, Event::data).containsExactly("upload:a4", "text");
            assertThat(client.next())
                    .extracting(Event::type, Event::data)
                    .containsExactly("binary", Base64.getEncoder().encodeToString(new byte[] {(byte) 0xff, 0, 1}));
        }
    }

    @Test
    void retainedPublicationFollowsTheFirstEventAndHasNoId() {
        redis.publish("upload:a5", "before");
        pod.awaitHandled(redis);
        try (EventClient client = EventClient.of(pod, "a5", "?channel=upload:a5")) {
            client.next();
            Event retained = client.next();
            assertThat(retained.data()).isEqualTo("before");
            assertThat(retained.lastEventId()).isEmpty();
            assertThat(client.awaitId()).as("the mark").isNotEmpty();
        }
    }

    @Test
    void streamOutlivesTheTimeoutsOfRequestsAndIsKeptAliveByComments() {
        try (EventClient client = EventClient.of(pod, "a6", "", "Accept-Encoding: gzip")) {
            assertThat(client.header("Content-Encoding")).isIn("", "identity");
            client.next();
            client.awaitComment();
            // The first one comes at a random time, the next ones every two seconds.
            client.awaitComment();
            client.awaitComment();
            client.awaitComment();
            redis.publish("user:a6", "alive");
            assertThat(client.publication().data()).isEqualTo("alive");
        }
    }

    @Test
    void lastEventIdResumesOnAnotherPod() {
        int[] heard = {0};
        List<String> all = new ArrayList<>();
        String last = "";
        // Each time, the connection ends somewhere in the middle.
        Random random = new Random(7);
        redis.publish("upload:warm", "up");
        for (int round = 0; round < 6; round++) {
            Pod to = round % 2 == 0 ? pod : other;
            String[] resume = last.isEmpty() ? new String[0] : new String[] {"Last-Event-ID: " + last};
            try (EventClient client = EventClient.of(to, "b1", "?channel=upload:b1&channel=upload:b2", resume)) {
                Event first = client.next();
                if (round == 0) {
                    assertThat(new JsonObject(first.data()).containsKey("recovered"))
                            .isFalse();
                } else {
                    assertThat(new JsonObject(first.data()).getBoolean("recovered"))
                            .as(first.data())
                            .isTrue();
                }
                client.awaitId();
                publish("b", round * PART);
                int until = round * PART + (round == 5 ? PART : PART / 2 + random.nextInt(PART / 2));
                while (heard[0] < until) {
                    Event event = client.publication();
                    // A client that was cut while it was sent a replay gets it again, from its last id.
                    if (!all.contains(event.data())) {
                        all.add(event.data());
                        heard[0]++;
                    }
                    last = event.lastEventId();
                }
            }
        }
        assertThat(all).containsExactlyElementsOf(numbers(0, 6 * PART));
    }

    @Tag("long")
    @Test
    void clientOfAKilledPodResumesWithoutLossOrDuplicate() {
        List<String> all = new ArrayList<>();
        String last;
        try (Pod third = Pod.ready(redis, CONFIG)) {
            awaitSamePositions(third, other);
            try (EventClient client = EventClient.of(third, "c1", "?channel=upload:c1&channel=upload:c2")) {
                client.awaitId();
                publish("c", 0);
                while (all.size() < PART / 2) {
                    all.add(client.publication().data());
                }
                third.process().kill();
                while (!client.awaitEnd() && client.hasNext()) {
                    // What had been sent before the kill is read, too.
                    while (client.hasNext()) {
                        Event event = client.next();
                        if (!event.type().equals("sluice")) {
                            all.add(event.data());
                        }
                    }
                }
                last = client.lastEventId();
            }
        }
        publish("c", PART);
        try (EventClient client = EventClient.of(other, "c1", "?channel=upload:c1&channel=upload:c2&since=" + last)) {
            assertThat(new JsonObject(client.next().data()).getBoolean("recovered"))
                    .isTrue();
            publish("c", 2 * PART);
            while (all.size() < 3 * PART) {
                all.add(client.publication().data());
            }
        }
        assertThat(all).containsExactlyElementsOf(numbers(0, 3 * PART));
    }

    /** Last, because it ends the pod. */
    @Test
    @Order(Integer.MAX_VALUE)
    void drainEndsTheStreamAfterAMarkAndSaysWhy() {
        String last;
        awaitSamePositions(pod, other);
        try (EventClient client = EventClient.of(pod, "d1", "?channel=upload:d1")) {
            client.awaitId();
            redis.publish("upload:d1", "before");
            assertThat(client.publication().data()).isEqualTo("before");
            pod.terminate();
            assertThat(client.awaitEnd()).as("the last chunk").isTrue();
            Event end = client.next();
            assertThat(end.type()).isEqualTo("sluice");
            assertThat(new JsonObject(end.data()).getInteger("code")).isEqualTo(1012);
            assertThat(client.retryMillis()).isBetween(1_000L, 5_000L);
            last = client.lastEventId();
            assertThat(pod.exit(Duration.ofSeconds(60))).isIn(0, 143);
        }
        try (EventClient client = EventClient.of(other, "d1", "?channel=upload:d1", "Last-Event-ID: " + last)) {
            assertThat(client.next().data()).contains("\"recovered\":true");
            redis.publish("upload:d1", "after");
            assertThat(client.publication().data()).isEqualTo("after");
        }
    }

    @Test
    void positionFromBeforeARestartOfRedisIsRefused() {
        String last;
        try (EventClient client = EventClient.of(pod, "e1", "?channel=upload:e1")) {
            last = client.awaitId();
            redis.kill();
            redis.startAgain();
            List<String> gaps = new ArrayList<>();
            while (gaps.size() < 2) {
                Event event = client.next();
                if (event.data().contains("\"action\":\"gap\"")) {
                    gaps.add(event.data());
                }
            }
            assertThat(gaps.get(0)).endsWith("\"until\":null}");
            awaitSamePositions(pod, other);
            assertThat(client.awaitId()).isNotEmpty();
        }
        try (EventClient client = EventClient.of(pod, "e1", "?channel=upload:e1", "Last-Event-ID: " + last)) {
            assertThat(client.next().data()).endsWith("\"recovered\":false}");
            assertThat(client.awaitId()).isNotEqualTo(last);
        }
    }

    @Test
    void channelWithoutHistoryIsNotRecovered() {
        String last;
        try (EventClient client = EventClient.of(pod, "e2", "?channel=plain:e2&channel=upload:e2")) {
            last = client.awaitId();
        }
        redis.publish("upload:e2", "kept");
        pod.awaitHandled(redis);
        try (EventClient client =
                EventClient.of(pod, "e2", "?channel=plain:e2&channel=upload:e2", "Last-Event-ID: " + last)) {
            assertThat(client.next().data()).endsWith("\"recovered\":false}");
            assertThat(client.next().data()).as("retained").isEqualTo("kept");
        }
    }

    @Test
    void slowReaderIsClosed() {
        double before = pod.disconnects("outbox_full");
        try (EventClient client = EventClient.narrow(pod, "f1", "?user=false&channel=plain:f1")) {
            client.next();
            String payload = "x".repeat(50_000);
            for (int i = 0; i < 400 && pod.disconnects("outbox_full") == before; i++) {
                redis.publish("plain:f1", payload);
            }
            pod.awaitDisconnects("outbox_full", before + 1);
            await("what waited is released").until(() -> pod.metric("sluice_outbox_pending_bytes") == 0);
        }
    }

    @Test
    void slowReaderOfTheNewestLearnsWhatItMissed() {
        try (EventClient client = EventClient.narrow(pod, "f2", "?user=false&channel=upload:f2")) {
            client.next();
            String payload = "x\n".repeat(20_000);
            double missed = pod.metric("sluice_missed_total{route=\"upload\"}");
            while (pod.metric("sluice_missed_total{route=\"upload\"}") < missed + 20) {
                redis.publish("upload:f2", payload);
            }
            redis.publish("upload:f2", "newest");
            Event event = client.next();
            int told = 0;
            while (!event.data().equals("newest")) {
                if (event.type().equals("sluice")) {
                    JsonObject notice = new JsonObject(event.data());
                    assertThat(notice.getString("action")).isEqualTo("missed");
                    told += notice.getInteger("count");
                } else {
                    assertThat(event.data()).isEqualTo(payload);
                }
                event = client.next();
            }
            assertThat(told).isGreaterThanOrEqualTo(20);
        }
    }

    @Test
    void expiredTokenEndsTheStream() {
        JwtClaims claims = Tokens.claims("g1");
        claims.setExpirationTime(NumericDate.fromSeconds(System.currentTimeMillis() / 1000 + 1));
        try (EventClient client =
                EventClient.send(pod.port(), "GET", "", "Authorization: Bearer " + Tokens.sign(claims))) {
            assertThat(client.next().data()).contains("subscribed");
            assertThat(client.awaitEnd()).isTrue();
            assertThat(new JsonObject(client.next().data()).getInteger("code")).isEqualTo(4010);
        }
    }

    @Test
    void operatorEndsTheStream() {
        try (EventClient client = EventClient.of(pod, "g2", "")) {
            client.next();
            assertThat(Api.operator(pod).delete("/api/users/g2/connections").statusCode())
                    .isBetween(200, 204);
            assertThat(client.awaitEnd()).isTrue();
            assertThat(new JsonObject(client.next().data()).getInteger("code")).isEqualTo(4503);
            assertThat(client.retryMillis()).isGreaterThan(20_000);
        }
    }

    @Test
    void clientThatLeavesOrResetsIsCounted() {
        pod.awaitNobody();
        double closed = pod.disconnects("client_closed");
        double reset = pod.disconnects("connection_reset");
        try (EventClient client = EventClient.of(pod, "g3", "")) {
            client.next();
        }
        pod.awaitDisconnects("client_closed", closed + 1);
        EventClient client = EventClient.of(pod, "g3", "");
        client.next();
        client.reset();
        pod.awaitDisconnects("connection_reset", reset + 1);
    }

    @Test
    void secondRequestOnTheConnectionEndsIt() {
        try (EventClient client = EventClient.of(pod, "g4", "")) {
            client.next();
            client.write("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
            assertThat(client.awaitEnd()).isFalse();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            value = {
                "?user=false > 400 > at least one channel",
                "?user=no > 400 > 'user'",
                "?named=1 > 400 > 'named'",
                "?channel=nope:1 > 400 > nope:1",
                "?channel=upload: > 400 > upload:",
                "?channel=user:h > 400 > user:h",
                "?channel=%00 > 400 > prefix",
                "?channel=team:red > 403 > team:red",
                "?channel=upload:1&channel=team:red > 403 > team:red",
                "?since=x > 400 > since",
                "?since= > 400 > since",
            })
    void badRequestIsAnswered(String query, int status, String says) {
        try (EventClient client = EventClient.of(pod, "h", query)) {
            assertThat(client.status()).isEqualTo(status);
            assertThat(client.header("Content-Type")).isEqualTo("application/problem+json");
            String body = client.body();
            assertThat(body).contains(says);
            assertThat(new JsonObject(body).getInteger("status")).isEqualTo(status);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"?channel=%zz", "?channel=%", "?%zz=1&channel=upload:1"})
    void queryThatIsNotPercentEncodedIsRefused(String query) {
        try (EventClient client = EventClient.of(pod, "h", query)) {
            assertThat(client.status()).isEqualTo(400);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "1.2", "1-1.1.1", "18f3c-9a1b.99999999999999999999.7"})
    void lastEventIdThatIsNoPositionIsAnswered(String id) {
        try (EventClient client = EventClient.of(pod, "h", "", "Last-Event-ID: " + id)) {
            assertThat(client.status()).isEqualTo(400);
        }
        try (EventClient client = EventClient.of(pod, nextUser(), "", "Last-Event-ID:")) {
            assertThat(client.status()).isEqualTo(200);
        }
    }

    @Test
    void tooManyChannelsAreRefused() {
        for (Map.Entry<String, Integer> expected :
                Map.of(channels(21), 429, channels(257), 400).entrySet()) {
            try (EventClient client = EventClient.of(pod, nextUser(), expected.getKey())) {
                assertThat(client.status()).isEqualTo(expected.getValue());
            }
        }
        try (EventClient client = EventClient.of(pod, nextUser(), channels(20) + "&channel=upload:1")) {
            JsonArray heard = new JsonObject(client.next().data()).getJsonArray("channels");
            assertThat(heard).as("one is named twice").hasSize(21);
        }
    }

    @Test
    void tenThousandChannelsAreRefusedWithoutDelayingOthers() {
        try (EventClient neighbour = EventClient.of(pod, "h2", "")) {
            neighbour.next();
            for (int i = 0; i < 20; i++) {
                assertThat(statusOrReset(channels(10_000))).isIn(414, 0);
            }
            redis.publish("user:h2", "unharmed");
            assertThat(neighbour.publication().data()).isEqualTo("unharmed");
        }
    }

    /** Returns 0 if a reset destroyed the response: the server does not read a line to its end that is too long. */
    private static int statusOrReset(String query) {
        try (EventClient client = EventClient.of(pod, "h", query)) {
            return client.status();
        } catch (UncheckedIOException e) {
            return 0;
        }
    }

    @Test
    void badTokensAreRefused() {
        String none = "The request needs a token";
        Map<String, String> reasons =
                Map.of("X-None: 1", none, "Authorization: Bearer x", "The token is invalid", "Cookie: session=", none);
        for (Map.Entry<String, String> reason : reasons.entrySet()) {
            String query = "?access_token=" + Tokens.of("h") + "&since=x";
            try (EventClient client = EventClient.send(pod.port(), "GET", query, reason.getKey())) {
                assertThat(client.status()).isEqualTo(401);
                assertThat(client.header("WWW-Authenticate")).isEqualTo("Bearer");
                assertThat(client.body()).contains("\"status\":401", reason.getValue());
            }
        }
    }

    @Test
    void foreignOriginIsRefusedAndAnAllowedOneMayReadTheAnswer() {
        try (EventClient client = EventClient.of(pod, "h", "", "Origin: https://evil.example")) {
            assertThat(client.status()).isEqualTo(403);
            assertThat(client.header("Access-Control-Allow-Origin")).isEmpty();
        }
        for (String query : List.of("", "?since=x")) {
            try (EventClient client = EventClient.of(pod, nextUser(), query, "Origin: " + PAGE)) {
                assertThat(client.header("Access-Control-Allow-Origin")).isEqualTo(PAGE);
                assertThat(client.header("Access-Control-Allow-Credentials")).isEqualTo("true");
                assertThat(client.header("Vary")).isEqualToIgnoringCase("Origin");
            }
        }
    }

    @Test
    void headAndOptionsAreAnswered() {
        String bearer = "Authorization: Bearer " + Tokens.of(nextUser());
        try (EventClient head = EventClient.send(pod.port(), "HEAD", "?channel=upload:1", bearer)) {
            assertThat(head.status()).isEqualTo(200);
            assertThat(head.header("Content-Type")).isEqualTo("text/event-stream");
        }
        try (EventClient head = EventClient.send(pod.port(), "HEAD", "?channel=team:red", bearer)) {
            assertThat(head.status()).isEqualTo(403);
        }
        try (EventClient options = EventClient.send(
                pod.port(),
                "OPTIONS",
                "",
                "Origin: " + PAGE,
                "Access-Control-Request-Method: GET",
                "Access-Control-Request-Headers: authorization,last-event-id")) {
            assertThat(options.status()).isEqualTo(204);
            assertThat(options.header("Access-Control-Allow-Origin")).isEqualTo(PAGE);
            assertThat(options.header("Access-Control-Allow-Headers")).contains("Authorization", "Last-Event-ID");
            assertThat(options.header("Access-Control-Allow-Methods")).isEqualTo("GET");
        }
        for (String method : List.of("POST", "PUT", "DELETE")) {
            try (EventClient client = EventClient.send(pod.port(), method, "", bearer, "Content-Length: 0")) {
                assertThat(client.status()).isEqualTo(405);
                assertThat(client.header("Allow")).isEqualTo("GET, HEAD, OPTIONS");
            }
        }
        pod.awaitMetric("sluice_connections{protocol=\"sse\",state=\"authenticated\"}", 0);
    }

    @Test
    void requestWithABodyOrInHttp10IsRefused() throws IOException {
        try (EventClient client = EventClient.of(pod, "h", "", "Content-Length: 1")) {
            assertThat(client.status()).isEqualTo(400);
        }
        try (Socket socket = new Socket("localhost", pod.port())) {
            String answer = Api.ask(
                    socket,
                    "GET /sse HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer " + Tokens.of("h") + "\r\n\r\n");
            assertThat(answer).contains("505");
        }
    }

    @Test
    void browserGetsARetryAtALimit() {
        List<EventClient> open = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                EventClient client = EventClient.of(pod, "i", "");
                open.add(client);
                client.next();
            }
            try (EventClient refused = EventClient.of(pod, "i", "", "Accept: text/event-stream")) {
                assertThat(refused.status()).isEqualTo(200);
                assertThat(refused.header("Content-Type")).isEqualTo("text/event-stream");
                assertThat(refused.body()).matches("retry: [1-5]000\n\n");
            }
            try (EventClient refused = EventClient.of(pod, "i", "", "Accept: */*")) {
                assertThat(refused.status()).isEqualTo(429);
                assertThat(refused.header("Retry-After")).matches("[1-5]");
            }
        } finally {
            open.forEach(EventClient::close);
        }
    }

    /** Returns a user of whom no connection is left; the pod may notice the end of one late, and a user may have few. */
    private static String nextUser() {
        return "h-" + USERS.incrementAndGet();
    }

    private static void publish(String id, int from) {
        for (String number : numbers(from, from + PART)) {
            redis.publish("upload:" + id + (Integer.parseInt(number) % 2 + 1), number);
        }
    }

    private static List<String> numbers(int from, int to) {
        return IntStream.range(from, to).mapToObj(Integer::toString).toList();
    }

    private static String channels(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "&channel=upload:" + i)
                .collect(Collectors.joining("", "?x=", ""));
    }

    private static void awaitSamePositions(Pod one, Pod two) {
        await("one era").until(() -> !era(one).isEmpty() && era(one).equals(era(two)));
    }

    private static String era(Pod of) {
        return of.log()
                .lines()
                .filter(line -> line.contains("positions in era"))
                .reduce("", (before, line) -> line.substring(line.lastIndexOf(' ')));
    }
}
