package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Endless requests with thousands of header lines must not exhaust a heap of 128 MB. */
@Tag("chaos")
class HeaderMemoryIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final int SOCKETS = 400;
    private static final byte[] ENDLESS =
            ("GET / HTTP/1.1\r\nHost: localhost\r\n" + "a:\r\n".repeat(4_900)).getBytes(StandardCharsets.US_ASCII);

    @Test
    void endlessHeadersDoNotExhaustTheHeap() throws IOException {
        List<Socket> attackers = new ArrayList<>();
        List<String> smallHeap = List.of("-Xmx128m", "-XX:+ExitOnOutOfMemoryError");
        try (Pod pod = Pod.ready(STAGE.redis(), Map.of(), smallHeap);
                Client bystander = Client.of(pod, "bystander")) {
            for (int i = 0; i < SOCKETS; i++) {
                Socket attacker = new Socket("localhost", pod.port());
                attackers.add(attacker);
                attacker.getOutputStream().write(ENDLESS);
            }
            STAGE.redis().publish("user:bystander", "still here");
            assertThat(bystander.next()).isEqualTo("still here");
            await("all of them are refused")
                    .atMost(2, TimeUnit.MINUTES)
                    .untilAsserted(() -> assertThat(pod.metric("sluice_refused_total{limit=\"header-lines\"}"))
                            .isEqualTo(SOCKETS));
            assertThat(pod.log()).doesNotContain("OutOf");
        } finally {
            for (Socket attacker : attackers) {
                attacker.close();
            }
        }
    }
}
