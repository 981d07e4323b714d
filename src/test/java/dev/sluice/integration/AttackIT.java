package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attacks a pod: well-behaved clients receive everything meanwhile, and afterwards nothing of the attack is left. */
@Tag("chaos")
class AttackIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final int ATTACKERS = 4;
    private static final long LASTS_NANOS = TimeUnit.MILLISECONDS.toNanos(Histories.halfOf(800));
    private static final int MANY = 300;

    private static final String UPGRADE = """
            GET /ws HTTP/1.1\r
            Host: localhost\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            """;

    /** The attackers' open connections; each attack ends with none. */
    private static final List<AutoCloseable> OPEN = new CopyOnWriteArrayList<>();

    /** Answers that no attacker may get. */
    private static final List<String> WRONG = new CopyOnWriteArrayList<>();

    private static Backend webhook;
    private static Pod pod;

    @BeforeAll
    static void start() {
        webhook = new Backend();
        webhook.hang();
        pod = Pod.ready(
                STAGE.redis(),
                Map.ofEntries(
                        Map.entry("sluice.auth.timeout", "20s"),
                        // Few, so that attackers on a slow machine exceed it.
                        Map.entry("sluice.limits.connects-per-second", "30"),
                        Map.entry("sluice.limits.unauthenticated", "50"),
                        Map.entry("sluice.limits.connections-per-user", "10000"),
                        Map.entry("sluice.webhook.url", webhook.url()),
                        Map.entry("sluice.webhook.timeout", "500ms"),
                        Map.entry("sluice.routes.asked.audience", "subscribers"),
                        Map.entry("sluice.routes.asked.access", "webhook"),
                        Map.entry("quarkus.http.idle-timeout", "1s")),
                // Tracking every buffer would take most of the time.
                List.of("-Dio.netty.leakDetection.samplingInterval=128"));
    }

    @AfterAll
    static void stop() {
        pod.close();
        webhook.close();
    }

    /** The action that an attacker repeats, and the metric that shows it. */
    enum Attack {
        /** More frames than a client may send. */
        FLOOD_OF_FRAMES("sluice_refused_total{limit=\"frames-per-second\"}") {
            @Override
            void once() {
                flood(RawClient.FINAL | RawClient.TEXT, "{\"action\":\"pong\"}");
            }
        },
        FLOOD_OF_PINGS("sluice_refused_total{limit=\"frames-per-second\"}") {
            @Override
            void once() {
                flood(RawClient.FINAL | RawClient.PING, "x".repeat(125));
            }
        },
        /** Frames that cause the largest possible answers. */
        FLOOD_OF_QUESTIONS("sluice_refused_total{limit=\"frames-per-second\"}") {
            @Override
            void once() {
                String id = "\\u0001".repeat(1024);
                flood(
                        RawClient.FINAL | RawClient.TEXT,
                        "{\"action\":\"subscribe\",\"id\":\"" + id + "\",\"channels\":[\"x\"" + ",\"x\"".repeat(255)
                                + "]}");
            }
        },
        FRAMES_THAT_ARE_TOO_LARGE("sluice_disconnects_total{reason=\"frame_too_large\"}") {
            @Override
            void once() {
                try (RawClient client = RawClient.of(pod, "attacker")) {
                    client.attempt(new byte[] {(byte) 0x81, (byte) 0xff, 0, 0, 0, 0, 0x7f, -1, -1, -1, 0, 0, 0, 0});
                    client.closeCode();
                }
            }
        },
        SOCKETS_THAT_NEVER_AUTHENTICATE("sluice_refused_total{limit=\"unauthenticated\"}") {
            @Override
            void once() {
                if (OPEN.size() < MANY) {
                    OPEN.add(RawClient.connect(pod));
                }
            }
        },
        STORM_OF_CONNECTS("sluice_refused_total{limit=\"connects-per-second\"}") {
            @Override
            void once() {
                RawClient.connect(pod).close();
            }
        },
        FORGED_TOKENS("sluice_auth_failures_total{reason=\"signature\"}") {
            private final String forged = Tokens.signedByAnotherKey(Tokens.claims("attacker"));

            @Override
            void once() {
                try (RawClient client = RawClient.connect(pod)) {
                    client.text("{\"type\":\"auth\",\"token\":\"" + forged + "\"}");
                    client.closeCode();
                }
            }
        },
        HEADERS_WITHOUT_END("") {
            @Override
            void once() throws IOException {
                String answer = RawClient.answers(pod, ascii(UPGRADE + "Large: " + "x".repeat(1_000_000) + "\r\n\r\n"));
                if (answer.contains(" 101 ") || answer.contains(" 5")) {
                    WRONG.add(answer);
                }
            }
        },
        /** Requests with long pauses between bytes. */
        REQUESTS_THAT_TAKE_FOR_EVER("") {
            @Override
            void once() throws IOException {
                if (OPEN.size() < MANY) {
                    Socket socket = new Socket("localhost", pod.port());
                    OPEN.add(socket);
                    socket.getOutputStream().write(ascii(UPGRADE));
                } else {
                    for (AutoCloseable socket : OPEN) {
                        ((Socket) socket).getOutputStream().write('x');
                    }
                }
            }
        },
        BODIES_THAT_TAKE_FOR_EVER("") {
            @Override
            void once() throws IOException {
                if (OPEN.size() < MANY) {
                    Socket socket = new Socket("localhost", pod.port());
                    OPEN.add(socket);
                    socket.getOutputStream()
                            .write(ascii("POST /api/channels/user:7/messages HTTP/1.1\r\nHost: localhost\r\n"
                                    + "Authorization: Bearer " + Tokens.withGroups("backend", "publisher")
                                    + "\r\nContent-Length: 200000\r\n\r\nx"));
                }
            }
        },
        /** Questions to a webhook that never answers. */
        QUESTIONS_THAT_ARE_NEVER_DECIDED("") {
            @Override
            void once() {
                try (RawClient client = RawClient.of(pod, "attacker")) {
                    for (int i = 0; i < 100; i++) {
                        client.text("{\"action\":\"subscribe\",\"channel\":\"asked:" + i + "\"}");
                    }
                    client.next();
                }
            }
        };

        private final String noticed;

        Attack(String noticed) {
            this.noticed = noticed;
        }

        abstract void once() throws IOException;

        void flood(int first, String payload) {
            try (RawClient client = RawClient.narrow(pod, "attacker")) {
                while (true) {
                    client.frames(first, ascii(payload), 100);
                }
            }
        }
    }

    static List<Attack> attacks() {
        return Histories.firstOf(List.of(Attack.values()));
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void otherClientsReceiveEverythingDuringAttacks(Attack attack) throws Exception {
        double before = noticed(attack);
        try (Audience audience = new Audience(attack.name(), pod, STAGE.redis())) {
            AtomicBoolean over = new AtomicBoolean();
            List<Thread> attackers = new ArrayList<>();
            for (int i = 0; i < ATTACKERS; i++) {
                Thread attacker = new Thread(() -> attack(attack, over));
                attacker.start();
                attackers.add(attacker);
            }
            try {
                LockSupport.parkNanos(LASTS_NANOS);
                if (!attack.noticed.isEmpty()) {
                    await("notice").until(() -> noticed(attack) > before);
                }
            } finally {
                over.set(true);
            }
            for (Thread attacker : attackers) {
                attacker.join();
            }
            assertThat(WRONG).as(attack.name()).isEmpty();
            audience.assertHasHeardEverything();
            for (AutoCloseable socket : OPEN) {
                socket.close();
            }
            OPEN.clear();
            audience.assertAlone("attacker");
        }
    }

    @Test
    void unfinishedRequestIsClosed() throws IOException {
        List<Socket> sockets = new ArrayList<>();
        for (String begun :
                new String[] {"", "G", UPGRADE, "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"}) {
            Socket socket = new Socket("localhost", pod.port());
            socket.setSoTimeout(30_000);
            socket.getOutputStream().write(ascii(begun));
            sockets.add(socket);
        }
        for (Socket socket : sockets) {
            try (socket) {
                socket.getInputStream().readAllBytes();
            }
        }
    }

    private static void attack(Attack attack, AtomicBoolean over) {
        while (!over.get()) {
            try {
                attack.once();
            } catch (IOException | UncheckedIOException | AssertionError refusedOrCutOff) {
                // The pod closed the connection as expected, some with a close frame; the attacker repeats.
                LockSupport.parkNanos(100_000);
            }
        }
    }

    private static double noticed(Attack attack) {
        double count = attack.noticed.isEmpty() ? 0 : pod.metric(attack.noticed);
        return Double.isNaN(count) ? 0 : count;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
