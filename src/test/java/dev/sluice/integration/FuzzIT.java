package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.fuzz.ApiRequests;
import dev.sluice.fuzz.CentrifugeCommands;
import dev.sluice.fuzz.EventStreamRequests;
import dev.sluice.fuzz.Frames;
import dev.sluice.fuzz.RefusedStreamRequests;
import dev.sluice.fuzz.Upgrades;
import dev.sluice.harness.EventClient;
import dev.sluice.harness.Histories;
import dev.sluice.harness.HttpConnection;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Thousands of clients that send random data must not affect well-behaved ones, and leave nothing behind. The seed is
 * fixed; {@code -Dsluice.fuzz.seed} sets another.
 */
@Order(3)
@ResourceLock("both cores")
@Tag("chaos")
class FuzzIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final long SEED = Long.getLong("sluice.fuzz.seed", 5);
    /** Enough for every kind of answer. */
    private static final int CLIENTS = Math.max(150, Histories.of(600));

    /** The number of frames of Centrifugo's protocol, and of requests for streams. */
    private static final int FRAMES = Histories.of(100_000);

    /** The requests of one connection for streams that do not begin. */
    private static final int REFUSED = 96;

    /** The pod answers so many requests at once. */
    private static final int PIPELINED = 8;

    private static final long HEAP_TOLERANCE = 4_000_000;
    private static final long RESIDENT_TOLERANCE = 64_000_000;
    private static final String CENTRIFUGE = "/connection/websocket";
    private static final String CONNECT = "{\"id\":1,\"connect\":{\"token\":\"" + Tokens.of("fuzz") + "\"}}";

    /** The number of clients of each kind that ask for streams. */
    private static final int STREAMS = Math.max(150, Histories.of(600));

    private static final int MAX_BODY = 256 * 1024;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] (\\d{3})");

    private static Pod pod;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private Audience audience;

    @BeforeAll
    static void startPod() {
        // One client asks for more streams than all clients together may.
        pod = Pod.ready(STAGE.redis(), Map.of("sluice.limits.connects-per-second", "1000000"));
    }

    @AfterAll
    static void stopPod() {
        pod.close();
    }

    @BeforeEach
    void listen(TestInfo test) {
        audience = new Audience(test.getDisplayName(), pod, STAGE.redis());
    }

    @AfterEach
    void nobodyHasNoticedAndNothingIsLeft() {
        try (Audience listening = audience) {
            listening.assertHasHeardEverything();
            listening.assertAlone("fuzz");
        }
        // The JVM detects leaked buffers when they are collected and new ones are allocated.
        if (!Pod.isNative()) {
            pod.liveHeap();
            pod.awaitHandled(STAGE.redis());
            assertThat(pod.log()).doesNotContain("LEAK:");
        }
    }

    @Test
    void randomFramesEndTheirConnection() throws IOException {
        Frames frames = new Frames(SEED);
        for (int i = 0; i < CLIENTS; i++) {
            byte[] sent = frames.next(12);
            boolean authenticated = random.nextInt(4) > 0;
            try (RawClient client = authenticated ? RawClient.of(pod, "fuzz") : RawClient.connect(pod)) {
                client.attempt(sent);
                if (random.nextInt(5) > 0) {
                    client.finish();
                }
            } catch (IOException e) {
                throw new AssertionError("not ended, with seed " + SEED + ", client " + i + ": " + hex(sent), e);
            }
        }
    }

    @Tag("long")
    @Test
    void randomCommandsOfCentrifugosProtocolLeaveThePodAsItWas() throws IOException {
        CentrifugeCommands commands = new CentrifugeCommands(SEED);
        int frames = answerableCommands(commands, 10);
        long heap = Pod.isNative() ? 0 : pod.liveHeap();
        long resident = pod.residentMemory();
        while (frames < FRAMES) {
            frames += answerableCommands(commands, 10) + invalidCommands(commands, 30);
        }
        assertThat(Pod.isNative() ? 0 : pod.liveHeap()).as("seed %d", SEED).isLessThan(heap + HEAP_TOLERANCE);
        assertThat(pod.residentMemory()).as("seed %d", SEED).isLessThan(resident + RESIDENT_TOLERANCE);
    }

    /** Sends commands that must be answered, and leave the connection open; returns their number. */
    private int answerableCommands(CentrifugeCommands commands, int clients) {
        int frames = 300;
        for (int i = 0; i < clients; i++) {
            ByteArrayOutputStream sent = new ByteArrayOutputStream();
            for (int j = 0; j < frames; j++) {
                sent.writeBytes(text(commands.answerable()));
            }
            try (RawClient client = RawClient.connectTo(pod, CENTRIFUGE)) {
                // More messages than are held may follow once the answer is there.
                client.text(CONNECT).next();
                client.bytes(sent.toByteArray());
                client.text("{\"id\":" + CentrifugeCommands.MAX_ID + ",\"ping\":{}}");
                while (!client.next().contains("{\"id\":" + CentrifugeCommands.MAX_ID + ",\"ping\":{}}")) {
                    Thread.onSpinWait();
                }
            } catch (AssertionError | UncheckedIOException e) {
                throw new AssertionError("not answered, with seed " + SEED, e);
            }
        }
        return clients * frames;
    }

    /** Sends commands most of which end the connection; returns their number. */
    private int invalidCommands(CentrifugeCommands commands, int clients) throws IOException {
        int frames = 10;
        for (int i = 0; i < clients; i++) {
            ByteArrayOutputStream sent = new ByteArrayOutputStream();
            if (random.nextInt(4) > 0) {
                sent.writeBytes(text(CONNECT));
            }
            for (int j = 0; j < frames; j++) {
                byte[] frame = text(commands.next());
                if (random.nextInt(50) == 0) {
                    frame[0] = (byte) (RawClient.FINAL | RawClient.BINARY);
                }
                sent.writeBytes(frame);
            }
            try (RawClient client = RawClient.connectTo(pod, CENTRIFUGE)) {
                client.attempt(sent.toByteArray());
                if (random.nextInt(5) > 0) {
                    client.finish();
                }
            } catch (IOException e) {
                throw new AssertionError("not ended, with seed " + SEED + ": " + hex(sent.toByteArray()), e);
            }
        }
        return clients * frames;
    }

    private static byte[] text(String text) {
        return RawClient.encoded(RawClient.FINAL | RawClient.TEXT, text.getBytes(StandardCharsets.UTF_8), 1);
    }

    @Test
    void randomUpgradesGetNoServerError() throws IOException {
        Upgrades upgrades = new Upgrades(SEED);
        for (int i = 0; i < CLIENTS; i++) {
            byte[] sent = upgrades.next();
            List<String> statuses = STATUS.matcher(RawClient.answers(pod, sent))
                    .results()
                    .map(MatchResult::group)
                    .toList();
            assertThat(statuses)
                    .as("with seed %d, client %d: %s", SEED, i, hex(sent))
                    // 501 is the answer to other versions of HTTP.
                    .noneMatch(status -> status.contains(" 5") && !status.endsWith(" 501"));
        }
    }

    @Tag("long")
    @Test
    void randomStreamRequestsGetNoServerErrorAndTakeNoMemory() throws IOException {
        EventStreamRequests requests = new EventStreamRequests(SEED);
        askForStreams(requests);
        long heap = Pod.isNative() ? 0 : pod.liveHeap();
        long resident = pod.residentMemory();
        assertThat(askForStreams(requests)).as("streams that began").isGreaterThan(STREAMS / 20);
        assertThat(Pod.isNative() ? 0 : pod.liveHeap()).isLessThan(heap + HEAP_TOLERANCE);
        assertThat(pod.residentMemory()).isLessThan(resident + RESIDENT_TOLERANCE);
    }

    @Test
    void refusedStreamRequestsGetTheirStatusAndTakeNoMemory() throws IOException {
        RefusedStreamRequests requests = new RefusedStreamRequests(SEED, Tokens.of("fuzz"));
        int asked = askInTurn(requests, FRAMES / 10);
        long heap = Pod.isNative() ? 0 : pod.liveHeap();
        long resident = pod.residentMemory();
        asked += askInTurn(requests, FRAMES - asked);
        assertThat(asked).isGreaterThanOrEqualTo(FRAMES);
        assertThat(Pod.isNative() ? 0 : pod.liveHeap()).as("seed %d", SEED).isLessThan(heap + HEAP_TOLERANCE);
        assertThat(pod.residentMemory()).as("seed %d", SEED).isLessThan(resident + RESIDENT_TOLERANCE);
    }

    /** Sends at least so many requests, and cuts a stream on each connection after them; returns their number. */
    private int askInTurn(RefusedStreamRequests requests, int least) throws IOException {
        int asked = 0;
        while (asked < least) {
            try (HttpConnection connection = new HttpConnection(pod)) {
                for (int i = 0; i < REFUSED; i += PIPELINED) {
                    ask(
                            connection,
                            Stream.generate(requests::next).limit(PIPELINED).toList());
                }
                connection.send(requests.stream());
                if (random.nextInt(4) > 0) {
                    assertThat(connection.status(false)).as("seed %d", SEED).isEqualTo(200);
                }
                if (random.nextBoolean()) {
                    connection.resets();
                }
                asked += REFUSED + 1;
            }
        }
        return asked;
    }

    private static void ask(HttpConnection connection, List<RefusedStreamRequests.Request> requests)
            throws IOException {
        connection.send(
                requests.stream().map(RefusedStreamRequests.Request::text).collect(Collectors.joining()));
        for (RefusedStreamRequests.Request request : requests) {
            try {
                assertThat(connection.status(request.hasBody())).isEqualTo(request.status());
            } catch (AssertionError | IOException e) {
                throw new AssertionError("with seed " + SEED + ": " + request.text(), e);
            }
        }
    }

    /** Returns how many streams began. */
    private int askForStreams(EventStreamRequests requests) throws IOException {
        String bearer = "Bearer " + Tokens.of("fuzz");
        List<String> authorizations = List.of(bearer, bearer, bearer, "Bearer x", "Basic Og==", "");
        int begun = 0;
        for (int i = 0; i < STREAMS; i++) {
            byte[] sent = requests.next(authorizations);
            assertThat(STATUS.matcher(RawClient.answers(pod, sent)).results().map(status -> status.group(1)))
                    .as("with seed %d, client %d: %s", SEED, i, hex(sent))
                    // These are the answers to other methods and versions of HTTP.
                    .noneMatch(status -> status.startsWith("5") && !status.equals("501") && !status.equals("505"));
            // This one waits for the answer, without which no stream begins.
            String query = requests.query();
            try (EventClient client = EventClient.send(pod.port(), "GET", query, "Authorization: " + bearer)) {
                assertThat(client.status()).as("with seed %d: %s", SEED, query).isIn(200, 400, 429);
                if (client.status() == 200) {
                    assertThat(client.next().data()).contains("\"subscribed\"");
                    begun++;
                }
                if (random.nextBoolean()) {
                    client.reset();
                }
            }
        }
        return begun;
    }

    @Test
    void randomApiRequestsGetValidAnswers() throws IOException {
        ApiRequests requests = new ApiRequests(SEED);
        List<String> authorizations = List.of(
                "Bearer " + Tokens.withGroups("backend", "publisher"),
                "Bearer " + Tokens.withGroups("backend", "publisher"),
                "Bearer " + Tokens.withGroups("admin", "operator"),
                "Bearer nonsense",
                "Basic Og==",
                "");
        int published = 0;
        for (int i = 0; i < CLIENTS; i++) {
            byte[] sent = requests.next(authorizations);
            String answer = RawClient.answer(pod, sent);
            if (answer.isEmpty() && sent.length > MAX_BODY) {
                // A client that sends more than the pod reads may see a reset before the answer.
                continue;
            }
            try {
                assertSane(answer);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("with seed %d, request %d: %s".formatted(SEED, i, hex(sent)), e);
            }
            published += answer.startsWith("HTTP/1.1 202") ? 1 : 0;
        }
        assertThat(published).as("some requests are valid").isPositive();
    }

    /** Asserts that the answer is a valid problem without internal details. */
    private static void assertSane(String answer) {
        assertThat(answer).startsWith("HTTP/1.1 ").doesNotContain("\tat ", "Exception", "java.");
        int status = Integer.parseInt(answer.substring(9, 12));
        assertThat(status)
                .satisfiesAnyOf(
                        code -> assertThat(code).isLessThan(500),
                        code -> assertThat(code).isEqualTo(503));
        int body = answer.indexOf("\r\n\r\n") + 4;
        // If the request's URI is invalid, the answer has no body.
        if (status > 400 || (status == 400 && body < answer.length())) {
            assertThat(answer.substring(0, body).toLowerCase(Locale.ROOT))
                    .contains("content-type: application/problem+json");
            assertThat(Json.from(answer.substring(body)).getInt("status")).isEqualTo(status);
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
