package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.sluice.harness.Histories;
import dev.sluice.harness.HttpConnection;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import dev.sluice.harness.attack.Attack;
import dev.sluice.harness.attack.Attackers;
import dev.sluice.harness.attack.Attackers.Target;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Attacks a pod: well-behaved clients receive everything meanwhile, and afterwards nothing of the attack is left. */
@Tag("chaos")
class AttackIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final long LASTS_NANOS = TimeUnit.MILLISECONDS.toNanos(Histories.halfOf(800));

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

    /** Attacks, and the metric that shows each; without one, the pod shows no sign of it soon. */
    static List<Arguments> attacks() {
        return Histories.firstOf(List.of(
                arguments(Attack.FLOOD_OF_FRAMES, "sluice_refused_total{limit=\"frames-per-second\"}"),
                arguments(Attack.FLOOD_OF_PINGS, "sluice_refused_total{limit=\"frames-per-second\"}"),
                arguments(Attack.FLOOD_OF_QUESTIONS, "sluice_refused_total{limit=\"frames-per-second\"}"),
                arguments(Attack.FRAMES_TOO_LARGE, "sluice_disconnects_total{reason=\"frame_too_large\"}"),
                arguments(Attack.SILENT_SOCKETS, "sluice_refused_total{limit=\"unauthenticated\"}"),
                arguments(Attack.STORM_OF_CONNECTS, "sluice_refused_total{limit=\"connects-per-second\"}"),
                arguments(Attack.FORGED_TOKENS, "sluice_auth_failures_total{reason=\"signature\"}"),
                arguments(Attack.ENDLESS_HEADERS, ""),
                arguments(Attack.SLOW_UPGRADES, ""),
                arguments(Attack.SLOW_BODIES, ""),
                arguments(Attack.UNDECIDED, "")));
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void otherClientsReceiveEverythingDuringAttacks(Attack attack, String metric) {
        double before = noticed(metric);
        Target target = new Target(new InetSocketAddress("localhost", pod.port()), Tokens::withGroups);
        try (Audience audience = new Audience(attack.name(), pod, STAGE.redis())) {
            try (Attackers attackers = Attackers.begin(attack, target)) {
                LockSupport.parkNanos(LASTS_NANOS);
                await("the attack").until(() -> attackers.tally().done() > 0);
                if (!metric.isEmpty()) {
                    await("notice").until(() -> noticed(metric) > before);
                }
                attackers.stop();
                if (attack == Attack.ENDLESS_HEADERS) {
                    assertThat(attackers.tally().answers().keySet())
                            .noneMatch(answer -> answer.equals("101") || answer.startsWith("5"));
                }
                audience.assertHasHeardEverything();
            }
            audience.assertAlone("attacker0");
        }
    }

    private static double noticed(String metric) {
        double count = metric.isEmpty() ? 0 : pod.metric(metric);
        return Double.isNaN(count) ? 0 : count;
    }

    @Test
    void unfinishedRequestIsClosed() throws IOException {
        List<Socket> sockets = new ArrayList<>();
        for (String begun : new String[] {
            "", "G", HttpConnection.UPGRADE, "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"
        }) {
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

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
