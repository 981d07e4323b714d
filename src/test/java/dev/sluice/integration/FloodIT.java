package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Clients that send without end are cut off and cost the pod nothing that lasts. */
@Tag("chaos")
class FloodIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final String REFUSED = "sluice_refused_total{limit=\"frames-per-second\"}";
    private static final int BURST = 512;
    private static final int FLOODERS = 3;

    /** The clients together send many times as much. */
    private static final List<String> LITTLE_MEMORY = List.of(
            "-Xmx64m",
            "-XX:MaxDirectMemorySize=48m",
            "-XX:+ExitOnOutOfMemoryError",
            // Tracking every buffer would fill most of the heap.
            "-Dio.netty.leakDetection.samplingInterval=128");

    private static final long HEAP_TOLERANCE = 4_000_000;
    private static final long RESIDENT_TOLERANCE = 64_000_000;

    private static final String SMALL = "{\"action\":\"pong\"}";
    private static final String LARGE = "{\"action\":\"pong\",\"more\":\"" + "x".repeat(32_700) + "\"}";

    private static Pod pod;

    private Client bystander;

    /** The repeated frames. The pod answers none of them, so that a full outbox can't end the connection. */
    enum Flood {
        SMALL_MESSAGES(RawClient.FINAL | RawClient.TEXT, SMALL),
        LARGE_MESSAGES(RawClient.FINAL | RawClient.TEXT, LARGE),
        PINGS(RawClient.FINAL | RawClient.PING, ""),
        PONGS(RawClient.FINAL | RawClient.PONG, "x".repeat(125)),
        /** Empty fragments of a message that never ends. */
        FRAGMENTS(RawClient.CONTINUATION, "");

        private final int first;
        private final String payload;

        Flood(int first, String payload) {
            this.first = first;
            this.payload = payload;
        }

        void begin(RawClient by) {
            if (this == FRAGMENTS) {
                by.frame(RawClient.TEXT, new byte[0]);
            }
        }

        void send(RawClient by, int times) {
            by.frames(first, payload.getBytes(StandardCharsets.US_ASCII), times);
        }
    }

    @BeforeAll
    static void start() {
        pod = Pod.ready(STAGE.redis(), Map.of("quarkus.vertx.event-loops-pool-size", "2"), LITTLE_MEMORY);
    }

    @AfterAll
    static void stop() {
        pod.close();
    }

    @BeforeEach
    void connect() {
        bystander = Client.of(pod, "bystander");
    }

    @AfterEach
    void theBystanderStillHears() {
        STAGE.redis().publish("user:bystander", "still here");
        assertThat(bystander.next()).isEqualTo("still here");
        bystander.close();
    }

    @Test
    void floodIsClosedAndLeaksNothing() throws Exception {
        // Runs once before the measurement, so that lazy initialisation is done.
        flood(1);
        double refused = refused();
        double ended = pod.disconnects("flooded");
        long heap = pod.liveHeap();
        long resident = pod.residentMemory();
        int flooders = flood(FLOODERS);
        pod.awaitMetric(REFUSED, refused + flooders);
        pod.awaitDisconnects("flooded", ended + flooders);
        assertThat(pod.liveHeap()).isLessThan(heap + HEAP_TOLERANCE);
        assertThat(pod.residentMemory()).isLessThan(resident + RESIDENT_TOLERANCE);
        assertThat(pod.log()).doesNotContain("OutOf");
    }

    @Test
    void unauthenticatedFloodIsClosed() {
        double refused = refused();
        // The pod handles no frame before the end of the upgrade, and control frames alone end no connection.
        try (RawClient unauthenticated = RawClient.connect(pod)) {
            Flood.PONGS.send(unauthenticated, 2 * BURST);
            assertThat(unauthenticated.closeCode()).isEqualTo(4029);
        }
        pod.awaitMetric(REFUSED, refused + 1);
    }

    @Test
    void messageSentWithTheUpgradeRequestIsHandled() {
        byte[] auth = RawClient.encoded(
                RawClient.FINAL | RawClient.TEXT,
                ("{\"type\":\"auth\",\"token\":\"" + Tokens.of("eager") + "\"}").getBytes(StandardCharsets.US_ASCII),
                1);
        try (RawClient client = RawClient.pipelining(pod, auth)) {
            assertThat(client.next()).contains("auth_success");
        }
    }

    @Test
    void overlongFragmentedMessagesDelayNoOtherClient() throws Exception {
        byte[] most = new byte[32 * 1024];
        List<RawClient> attackers = new ArrayList<>();
        AtomicBoolean done = new AtomicBoolean();
        CompletableFuture<Void> attack = Background.run(() -> {
            while (!done.get() && attackers.size() < 1_000) {
                RawClient attacker = RawClient.connect(pod);
                attackers.add(attacker);
                attacker.frame(RawClient.TEXT, most).frame(RawClient.FINAL | RawClient.CONTINUATION, most);
                // The attacker does not answer the close. The pod may close earlier because it has no room for
                // unfinished messages.
                assertThat(attacker.closeCode()).isIn(1009, 1013);
            }
        });
        try {
            // As many as fill the budget of unhandled data on each event loop.
            await().until(() -> pod.metric("sluice_refused_total{limit=\"max-frame\"}") >= 8);
            for (int i = 0; i < 10; i++) {
                Client.of(pod, "another").close();
            }
        } finally {
            done.set(true);
            attack.get(30, TimeUnit.SECONDS);
            attackers.forEach(RawClient::close);
        }
    }

    @Test
    void burstIsAllowed() {
        try (RawClient client = RawClient.of(pod, "busy")) {
            // One frame was the token; the rate allows a few more during the test.
            Flood.SMALL_MESSAGES.send(client, BURST - 10);
            client.text("{\"action\":\"dance\"}");
            assertThat(client.next()).contains("unknown_action");
        }
    }

    @Test
    void resubscribingToAllChannelsIsAllowed() {
        try (Client client = Client.of(pod, "restores")) {
            for (int i = 0; i < 256; i++) {
                client.send("{\"action\": \"subscribe_upload\", \"upload_id\": \"restored-" + i + "\"}");
            }
            for (int i = 0; i < 256; i++) {
                assertThat(client.next())
                        .isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:restored-" + i + "\"}");
            }
            client.assertNothingMore();
        }
    }

    /** Lets clients of each kind send until they are disconnected with a close code. */
    private static int flood(int ofEach) throws Exception {
        ExecutorService executor = Executors.newCachedThreadPool();
        List<RawClient> clients = new ArrayList<>();
        try {
            List<CompletableFuture<Void>> cutOff = new ArrayList<>();
            for (Flood flood : Flood.values()) {
                for (int i = 0; i < ofEach; i++) {
                    RawClient client = RawClient.of(pod, "flooder");
                    clients.add(client);
                    cutOff.add(CompletableFuture.runAsync(() -> endlessly(flood, client), executor));
                }
            }
            for (RawClient client : clients) {
                assertThat(client.closeCode()).isEqualTo(4029);
            }
            for (CompletableFuture<Void> one : cutOff) {
                one.get(30, TimeUnit.SECONDS);
            }
            return clients.size();
        } finally {
            clients.forEach(RawClient::close);
            executor.shutdownNow();
        }
    }

    private static void endlessly(Flood flood, RawClient client) {
        try {
            flood.begin(client);
            while (true) {
                flood.send(client, 100);
            }
        } catch (UncheckedIOException cutOff) {
            // What it has asked for.
        }
    }

    private static double refused() {
        return pod.metric(REFUSED);
    }

    @Tag("long")
    @Test
    void clientThatDoesNotReadAnswersIsNotRead() {
        int questions = 50;
        int channels = 256;
        // Each answer repeats the id, so that the answers exceed the socket buffers and the outbox.
        byte[] question = ("{\"action\":\"subscribe\",\"id\":\"" + "i".repeat(1_000) + "\",\"channels\":[\"x\""
                        + ",\"x\"".repeat(channels - 1) + "]}")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] all = RawClient.encoded(RawClient.FINAL | RawClient.TEXT, question, questions);
        try (Pod own = Pod.ready(STAGE.redis(), Map.of("sluice.limits.frames-per-second", "100000"));
                RawClient asker = RawClient.narrow(own, "asker")) {
            CompletableFuture<Void> asking = Background.run(() -> asker.bytes(all));
            await("answers wait for the client, and requests for the answers")
                    .until(() -> own.metric("sluice_outbox_pending_bytes") > 400_000
                            && own.metric("sluice_inbound_pending_bytes") > 0);
            for (int i = 0; i < questions * channels; i++) {
                assertThat(asker.next()).contains("bad_channel");
            }
            asking.join();
            assertThat(own.disconnects()).isZero();
        }
    }
}
