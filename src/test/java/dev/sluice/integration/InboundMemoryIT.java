package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import dev.sluice.harness.Tokens.NamedKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Clients that send faster than the pod handles their messages must not exhaust its memory, whether they are
 * authenticated, authenticating, or unauthenticated. Default limits, a heap of 96 MB.
 */
@Order(2)
@Tag("chaos")
@Tag("long")
class InboundMemoryIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final List<String> SMALL_HEAP = List.of(
            "-Xmx96m",
            "-XX:+ExitOnOutOfMemoryError",
            // Records of every buffer would be most of what is in the heap.
            "-Dio.netty.leakDetection.samplingInterval=128");

    /** Together the clients send four times the size of the heap, or twice. */
    private static final int SOCKETS = Histories.halfOf(22);

    /** Just under {@code sluice.limits.frames-burst}. */
    private static final int FRAMES = 504;

    /**
     * With one character outside Latin-1, the text takes two bytes per character; each JSON object takes more memory
     * than its text.
     */
    private static final byte[] COSTLY =
            ("{\"a\":[\"й\"" + ",{}".repeat(10_000) + "]}").getBytes(StandardCharsets.UTF_8);

    private static final int REQUESTS = 400;

    private static final byte[] SMALL = "{\"action\":\"pong\"}".getBytes(StandardCharsets.UTF_8);

    private static final NamedKey KEY = NamedKey.rsa("known");
    private static final NamedKey UNKNOWN_KEY = NamedKey.rsa("unknown");

    @AutoClose
    private static Backend keys;

    /** Shared by all attacks, so that leaks accumulate. */
    @AutoClose
    private static Pod pod;

    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final List<RawClient> attackers = new ArrayList<>();
    private Client bystander;

    /** The state of the sender at the start. */
    enum Sender {
        UNAUTHENTICATED,
        AUTHENTICATED,
        /** Its token is signed with a key that the pod must fetch first, from a server that does not answer. */
        AUTHENTICATING
    }

    /** The data that the sender repeats as fast as possible. */
    // The bytes never change.
    @SuppressWarnings("ImmutableEnumChecker")
    enum Load {
        COSTLY_JSON(FRAMES / 24, RawClient.encoded(RawClient.FINAL | RawClient.TEXT, COSTLY, 24)),
        BINARY(FRAMES / 24, RawClient.encoded(RawClient.FINAL | RawClient.BINARY, COSTLY, 24)),
        FRAGMENTS(
                FRAMES / 2,
                RawClient.encoded(RawClient.TEXT, new byte[15_000], 1),
                RawClient.encoded(RawClient.FINAL | RawClient.CONTINUATION, new byte[15_000], 1)),
        TINY(1, RawClient.encoded(RawClient.FINAL | RawClient.TEXT, SMALL, FRAMES)),
        PINGS(1, RawClient.encoded(RawClient.FINAL | RawClient.PING, new byte[125], FRAMES)),
        /** A close frame, and data after it, which is not allowed. */
        CLOSE_AND_MORE(
                FRAMES / 24,
                RawClient.encoded(RawClient.FINAL | RawClient.CLOSE, new byte[] {3, (byte) 0xe8}, 1),
                RawClient.encoded(RawClient.FINAL | RawClient.TEXT, COSTLY, 24));

        private final int times;
        private final byte[][] bytes;

        Load(int times, byte[]... bytes) {
            this.times = times;
            this.bytes = bytes;
        }

        void send(RawClient by) {
            for (int i = 0; i < times; i++) {
                for (byte[] some : bytes) {
                    by.bytes(some);
                }
            }
            // The kernel then passes on all its data, even if reading is stopped.
            by.endOutput();
        }
    }

    @BeforeAll
    static void start() {
        keys = new Backend();
        keys.says(Tokens.jwks(KEY));
        pod = Pod.ready(
                STAGE.redis(),
                Map.of("mp.jwt.verify.publickey.location", keys.url(), "sluice.auth.timeout", "5s"),
                SMALL_HEAP);
    }

    @BeforeEach
    void connect() {
        bystander = Client.connect(pod.webSocket("/ws")).authenticate(KEY.sign(Tokens.claims("bystander")));
        assertThat(bystander.next()).contains("auth_success");
    }

    @AfterEach
    void stop() {
        attackers.forEach(RawClient::close);
        executor.shutdownNow();
        bystander.close();
        keys.goOn();
    }

    static List<Sender> senders() {
        return Histories.firstOf(List.of(Sender.AUTHENTICATED, Sender.AUTHENTICATING, Sender.UNAUTHENTICATED));
    }

    @ParameterizedTest
    @MethodSource("senders")
    void unhandledFramesDoNotExhaustTheHeap(Sender sender) throws Exception {
        if (sender == Sender.AUTHENTICATING) {
            keys.hang();
        }
        for (Load load : Load.values()) {
            attack(sender, load);
            assertBystanderHears(sender + " " + load);
            attackers.forEach(RawClient::close);
            attackers.clear();
            await("nothing of " + load + " is left").until(() -> pod.metric("sluice_inbound_pending_bytes") == 0);
        }
        assertThat(pod.log()).doesNotContain("OutOf");
        assertThat(pod.status("/q/health/ready")).isEqualTo(200);
    }

    /** Requests with thousands of header lines. */
    @Test
    void endlessHeadersDoNotExhaustTheHeap() throws IOException {
        List<Socket> sockets = new ArrayList<>();
        String refused = "sluice_refused_total{limit=\"header-lines\"}";
        double before = pod.metric(refused);
        byte[] endless =
                ("GET / HTTP/1.1\r\nHost: localhost\r\n" + "a:\r\n".repeat(4_900)).getBytes(StandardCharsets.US_ASCII);
        try {
            for (int i = 0; i < REQUESTS; i++) {
                Socket socket = new Socket("localhost", pod.port());
                sockets.add(socket);
                socket.getOutputStream().write(endless);
            }
            assertBystanderHears("still here");
            await("all of them are refused")
                    .atMost(2, TimeUnit.MINUTES)
                    .untilAsserted(() -> assertThat(pod.metric(refused)).isEqualTo(before + REQUESTS));
            assertThat(pod.log()).doesNotContain("OutOf");
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    private void attack(Sender sender, Load load) throws Exception {
        List<CompletableFuture<Void>> done = new ArrayList<>();
        for (int i = 0; i < SOCKETS; i++) {
            RawClient attacker = RawClient.connect(pod);
            attackers.add(attacker);
            // Each sender has its own user.
            String token = (sender == Sender.AUTHENTICATED ? KEY : UNKNOWN_KEY).sign(Tokens.claims("attacker-" + i));
            if (sender != Sender.UNAUTHENTICATED) {
                attacker.text("{\"type\":\"auth\",\"token\":\"" + token + "\"}");
            }
            if (sender == Sender.AUTHENTICATED) {
                assertThat(attacker.next()).contains("auth_success");
            }
            done.add(CompletableFuture.runAsync(() -> untilCutOff(load, attacker), executor));
        }
        for (CompletableFuture<Void> one : done) {
            one.get(120, TimeUnit.SECONDS);
        }
    }

    private static void untilCutOff(Load load, RawClient attacker) {
        try {
            load.send(attacker);
        } catch (UncheckedIOException cutOff) {
            // The pod may reset the connection.
        }
    }

    private void assertBystanderHears(String after) {
        STAGE.redis().publish("user:bystander", after);
        bystander.awaitMessage(after);
    }
}
