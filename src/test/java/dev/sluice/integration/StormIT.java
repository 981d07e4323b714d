package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Clients that connect all at once are admitted at a bounded rate, and do not affect others. */
@Tag("chaos")
class StormIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    @Test
    void connectRateIsLimited() throws IOException {
        try (Pod pod = Pod.ready(STAGE.redis(), Map.of("sluice.limits.connects-per-second", "10"));
                Client early = Client.of(pod, "7")) {
            long start = System.nanoTime();
            int accepted = 0;
            List<String> refused = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                String answer = answer(pod);
                if (answer.startsWith("HTTP/1.1 101")) {
                    accepted++;
                } else {
                    refused.add(answer);
                }
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            assertThat(accepted).isLessThanOrEqualTo((int) Math.ceil(10 + 10 * seconds));
            assertThat(refused)
                    .isNotEmpty()
                    .allMatch(answer -> answer.startsWith("HTTP/1.1 503"))
                    .allMatch(answer -> answer.toLowerCase(Locale.ROOT)
                            .lines()
                            .anyMatch(line -> line.matches("retry-after: [1-5]")));
            pod.awaitMetric("sluice_refused_total{limit=\"connects-per-second\"}", refused.size());
            STAGE.redis().publish("user:7", "hello");
            assertThat(early.next()).isEqualTo("hello");
        }
    }

    /** Returns the head of the answer to an upgrade. */
    private static String answer(Pod pod) throws IOException {
        try (Socket socket = new Socket("localhost", pod.port())) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream().write("""
                            GET /ws HTTP/1.1
                            Host: localhost
                            Upgrade: websocket
                            Connection: Upgrade
                            Sec-WebSocket-Version: 13
                            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==

                            """.replace("\n", "\r\n").getBytes(StandardCharsets.US_ASCII));
            return RawClient.head(socket);
        }
    }
}
