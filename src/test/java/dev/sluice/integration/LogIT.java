package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Text of clients never looks like a log line, even at level DEBUG. All tests check that logs hold no secret, token or
 * payload.
 */
@ResourceLock("the pod with options")
class LogIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String LINE = "2026-11-25 00:00:00,000 ERROR [forged]";
    private static final String FORGED = "\r\n" + LINE + "\u001b[31m\u2028\u202e";
    private static final String ENCODED = "%0d%0a" + LINE.replace(" ", "%20") + "%1b%5b31m%e2%80%a8%e2%80%ae";

    @Test
    void clientTextCannotForgeALogLine() throws IOException {
        Pod pod = STAGE.pod(Stage.OPTIONS);
        asAUser(pod);
        inAToken(pod);
        asAMessage(pod);
        overHttp(pod);
        throughRedis();
        pod.awaitHandled(STAGE.redis());
        await("the end of a connection, which is logged")
                .untilAsserted(() -> assertThat(pod.log()).contains("user evil??" + LINE + "?[31m??"));
        assertThat(pod.log().lines()).noneMatch(line -> line.startsWith(LINE));
    }

    private static void asAUser(Pod pod) {
        try (Client client = Client.connect(pod.webSocket("/ws"))) {
            client.authenticate(Tokens.of("evil" + FORGED));
            assertThat(client.next()).contains("auth_success");
            client.leave();
        }
    }

    private static void inAToken(Pod pod) {
        for (String token : List.of(FORGED, "eyJ" + FORGED + "." + FORGED + "." + FORGED)) {
            try (RawClient client = RawClient.connect(pod)) {
                client.text("{\"type\":\"auth\",\"token\":" + json(token) + "}");
                assertThat(client.closeCode()).isEqualTo(4003);
            }
        }
    }

    private static void asAMessage(Pod pod) {
        try (RawClient client = RawClient.of(pod, "7")) {
            for (String message : List.of(
                    FORGED,
                    "{\"action\":" + json(FORGED) + "}",
                    "{\"action\":\"subscribe\",\"channel\":" + json("upload:" + FORGED) + "}",
                    "{\"action\":\"subscribe\",\"channel\":" + json(FORGED) + "}")) {
                client.text(message);
                client.next();
            }
            // A close frame with a reserved code and a reason.
            byte[] reason = ("\u0003\u00e7" + FORGED).getBytes(StandardCharsets.ISO_8859_1);
            client.frame(RawClient.FINAL | 8, reason);
            client.closeCode();
        }
    }

    private static void overHttp(Pod pod) throws IOException {
        String authorized = "Host: localhost\r\nAuthorization: Bearer %s\r\nConnection: close\r\n"
                .formatted(Tokens.withGroups("backend", "publisher", "operator"));
        for (String request : List.of(
                "DELETE /api/users/evil" + ENCODED + "/connections HTTP/1.1\r\n" + authorized + "\r\n",
                "GET /api/channels/" + ENCODED + " HTTP/1.1\r\n" + authorized + "\r\n",
                "GET /" + ENCODED + "?" + ENCODED + " HTTP/1.1\r\n" + authorized + "\r\n",
                "GET /\u001b[31m HTTP/1.1\r\n" + authorized + "\r\n",
                "GET /api/x HTTP/1.1\r\nX: \u001b[31m\r\n" + authorized + "\r\n",
                "POST /api/uploads/1/events HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 14\r\n"
                        + authorized + "\r\n{\"\u001b[31m\":\"\r\n\"}")) {
            assertThat(RawClient.answer(pod, request.getBytes(StandardCharsets.ISO_8859_1)))
                    .startsWith("HTTP/1.1 ")
                    .doesNotContain(" 500 ");
        }
        RawClient.refusal(pod, "Origin: https://\u001b[31m.example");
        RawClient.refusal(pod, "Authorization: Bearer \u001b[31m");
    }

    private static void throughRedis() {
        STAGE.redis().publish("upload:" + FORGED, "x".repeat(300_000));
        STAGE.redis().publish("upload:" + FORGED.repeat(10), FORGED);
        STAGE.redis().publish("sluice:control", FORGED);
        STAGE.redis().publish("sluice:" + FORGED, FORGED);
    }

    private static String json(String text) {
        return "\""
                + text.replace("\r", "\\r")
                        .replace("\n", "\\n")
                        .replace("\u001b", "\\u001b")
                        .replace("\u2028", "\\u2028")
                        .replace("\u202e", "\\u202e")
                + "\"";
    }
}
