package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Clients of version 1, which were written for another system, get exactly the documented bytes. */
@Tag("chaos")
class VersionOneIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final int TEXT = RawClient.FINAL | RawClient.TEXT;
    private static final int BINARY = RawClient.FINAL | RawClient.BINARY;
    private static final int CLOSE = RawClient.FINAL | RawClient.CLOSE;
    private static final int PING = RawClient.FINAL | RawClient.PING;
    private static final int PONG = RawClient.FINAL | RawClient.PONG;
    private static final String SIGN_OF_LIFE = "{\"action\":\"ping\"}";
    private static final Pattern MISSED =
            Pattern.compile("\\{\"action\":\"missed\",\"channel\":\"upload:a\",\"count\":([1-9]\\d*)}");
    private static final Map<String, String> CONFIG = Map.of(
            "sluice.heartbeat.interval", "5s",
            "sluice.gap.spread", "100ms");

    @Test
    void conversationHasTheDocumentedBytes() throws IOException {
        try (Redis redis = Redis.start();
                Pod pod = Pod.ready(redis, CONFIG);
                Conversation client = new Conversation(pod)) {
            client.says("{\"type\":\"auth\",\"token\":\"" + Tokens.of("7") + "\"}");
            client.hears("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
            subscribes(client, redis);
            hearsPublications(client, redis);
            makesMistakes(client);
            showsSignsOfLife(client);
            missesSome(client, redis, pod);
            client.says("{\"action\":\"unsubscribe_upload\",\"upload_id\":\"a\"}");
            client.hears("{\"action\":\"unsubscribed\",\"channel\":\"upload:a\"}");
            client.says("{\"action\":\"unsubscribe\",\"channels\":[\"upload:b\",\"upload:c\"],\"id\":1.50}");
            client.hears("{\"action\":\"unsubscribed\",\"channel\":\"upload:b\",\"id\":1.50}");
            client.hears("{\"action\":\"unsubscribed\",\"channel\":\"upload:c\",\"id\":1.50}");
            redis.kill();
            client.hearsTimes("{\"action\":\"gap\",\"since\":\"TIME\",\"until\":null}");
            redis.startAgain();
            client.hearsTimes("{\"action\":\"gap\",\"since\":\"TIME\",\"until\":\"TIME\"}");
            client.awaitHeartbeats();
            pod.terminate();
            client.hearsClose(1012, "this pod is going away, reconnect");
        }
    }

    @Test
    void refusalHasTheDocumentedBytes() throws IOException {
        try (Conversation client = new Conversation(STAGE.pod())) {
            client.says("{\"type\":\"auth\",\"token\":\"none\"}");
            client.hears("{\"action\":\"auth_error\",\"message\":\"token is invalid\"}");
            client.hearsClose(4003, "token is invalid");
        }
        try (Conversation client = new Conversation(STAGE.pod())) {
            client.says("[]");
            client.hearsClose(4004, "the first message must be a JSON object");
        }
    }

    private static void subscribes(Conversation client, Redis redis) throws IOException {
        client.says("{\"action\":\"subscribe_upload\",\"upload_id\":\"a\"}");
        client.hears("{\"action\":\"subscribed\",\"channel\":\"upload:a\"}");
        client.says("{\"action\":\"subscribe\",\"channels\":[\"upload:b\",\"upload:c\"],\"id\":\"x\"}");
        client.hears("{\"action\":\"subscribed\",\"channel\":\"upload:b\",\"id\":\"x\"}");
        client.hears("{\"action\":\"subscribed\",\"channel\":\"upload:c\",\"id\":\"x\"}");
        redis.publish("upload:kept", "newest");
        redis.publish("user:7", "told");
        client.hears("told");
        client.says("{\"action\":\"subscribe\",\"channel\":\"upload:kept\"}");
        client.hears("{\"action\":\"subscribed\",\"channel\":\"upload:kept\",\"retained\":true}");
        client.hears("newest");
    }

    private static void hearsPublications(Conversation client, Redis redis) throws IOException {
        redis.publish("user:7", "{\"a\":\n\"é\"}");
        client.hears("{\"a\":\n\"é\"}");
        redis.publish("upload:b", "");
        client.hears("");
        byte[] binary = {(byte) 0xff, 0, '\n', (byte) 0xfe};
        redis.publish("upload:c", binary);
        client.hears(BINARY, binary);
        for (int length : new int[] {125, 126, 65_535, 65_536}) {
            String payload = "#".repeat(length);
            redis.publish("user:7", payload);
            client.hears(payload);
            redis.publish("upload:a", payload);
            client.hears(payload);
        }
    }

    private static void makesMistakes(Conversation client) throws IOException {
        client.says("nonsense");
        client.hears(
                "{\"action\":\"error\",\"code\":\"bad_message\",\"message\":\"a message is a JSON object in a text frame\"}");
        client.says("{\"action\":\"dance\",\"id\":2}");
        client.hears("{\"action\":\"error\",\"code\":\"unknown_action\",\"message\":\"unknown action\",\"id\":2}");
        client.says("{\"action\":\"subscribe\",\"channel\":\"user:7\",\"id\":null}");
        client.hears(
                "{\"action\":\"error\",\"code\":\"bad_channel\",\"message\":\"this channel can't be subscribed to\","
                        + "\"channel\":\"user:7\"}");
        client.says("{\"type\":\"auth\",\"token\":\"none\",\"id\":3}");
        client.hears("{\"action\":\"error\",\"code\":\"unauthorized\",\"message\":\"token is invalid\",\"id\":3}");
        client.says("{\"type\":\"auth\",\"token\":\"" + Tokens.of("7") + "\",\"id\":4}");
        client.hears("{\"action\":\"auth_success\",\"user_id\":\"7\",\"id\":4}");
    }

    private static void showsSignsOfLife(Conversation client) throws IOException {
        client.says("{\"action\":\"ping\",\"id\":5}");
        client.hears("{\"action\":\"pong\",\"id\":5}");
        client.says(PING, "are you there?".getBytes(StandardCharsets.US_ASCII));
        client.hears(PONG, "are you there?".getBytes(StandardCharsets.US_ASCII));
    }

    /** The client reads nothing for a while. */
    private static void missesSome(Conversation client, Redis redis, Pod pod) throws IOException {
        int published = 0;
        while (pod.metric("sluice_missed_total{route=\"upload\"}") < 2) {
            assertThat(published).isLessThan(5_000);
            // Asked less often, so that a slow machine is done before the client counts as silent.
            for (int i = 0; i < 20; i++) {
                redis.publish("upload:a", numbered(++published));
            }
        }
        int notices = 0;
        for (int heard = 0; heard < published; ) {
            String message = client.next(TEXT);
            Matcher missed = MISSED.matcher(message);
            if (missed.matches()) {
                notices++;
                heard += Integer.parseInt(missed.group(1));
                message = client.next(TEXT);
            }
            assertThat(message).isEqualTo(numbered(++heard));
        }
        assertThat(notices).isPositive();
    }

    private static String numbered(int number) {
        return number + "#".repeat(20_000);
    }

    /** A socket that checks every byte. */
    private static final class Conversation implements AutoCloseable {

        private final Socket socket = new Socket();
        private final DataInputStream in;
        private final Set<Integer> signsOfLife = new HashSet<>();

        Conversation(Pod pod) throws IOException {
            socket.setReceiveBufferSize(4096);
            socket.setSoTimeout(60_000);
            socket.connect(new InetSocketAddress("localhost", pod.port()));
            socket.getOutputStream()
                    .write(("GET /ws/uploads HTTP/1.1\r\nHost: localhost:" + pod.port()
                                    + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            String head = RawClient.head(socket);
            assertThat(head).startsWith("HTTP/1.1 101 Switching Protocols\r\n");
            assertThat(head.toLowerCase(Locale.ROOT))
                    .contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n")
                    .doesNotContain("sec-websocket-protocol", "sec-websocket-extensions");
            in = new DataInputStream(socket.getInputStream());
        }

        void says(String text) throws IOException {
            says(TEXT, text.getBytes(StandardCharsets.UTF_8));
        }

        void says(int first, byte[] payload) throws IOException {
            socket.getOutputStream().write(RawClient.encoded(first, payload, 1));
        }

        void hears(String text) throws IOException {
            assertThat(next(TEXT)).isEqualTo(text);
        }

        void hears(int first, byte[] payload) throws IOException {
            assertThat(nextFrame(first)).isEqualTo(payload);
        }

        /** Checks a message that contains RFC 3339 times in UTC. */
        void hearsTimes(String text) throws IOException {
            assertThat(next(TEXT).replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z", "TIME"))
                    .isEqualTo(text);
        }

        void hearsClose(int code, String reason) throws IOException {
            ByteArrayOutputStream payload = new ByteArrayOutputStream();
            DataOutputStream data = new DataOutputStream(payload);
            data.writeShort(code);
            data.write(reason.getBytes(StandardCharsets.UTF_8));
            hears(CLOSE, payload.toByteArray());
        }

        /** Waits for a ping frame and a ping message, which arrive at any time. */
        void awaitHeartbeats() throws IOException {
            says("{\"action\":\"ping\",\"id\":\"first\"}");
            hears("{\"action\":\"pong\",\"id\":\"first\"}");
            await("heartbeats").untilAsserted(() -> {
                says("{\"action\":\"ping\",\"id\":\"next\"}");
                hears("{\"action\":\"pong\",\"id\":\"next\"}");
                assertThat(signsOfLife).containsExactlyInAnyOrder(TEXT, PING);
            });
        }

        String next(int first) throws IOException {
            return new String(nextFrame(first), StandardCharsets.UTF_8);
        }

        /** Returns the payload of the next frame that is not a heartbeat; its header must have the minimal length. */
        private byte[] nextFrame(int expected) throws IOException {
            while (true) {
                int first = in.readUnsignedByte();
                byte[] payload = payload();
                if (first == PING && payload.length == 0) {
                    signsOfLife.add(first);
                    says(PONG, payload);
                } else if (first == TEXT && new String(payload, StandardCharsets.UTF_8).equals(SIGN_OF_LIFE)) {
                    signsOfLife.add(first);
                } else {
                    assertThat(first)
                            .as("%s", new String(payload, StandardCharsets.UTF_8))
                            .isEqualTo(expected);
                    return payload;
                }
            }
        }

        private byte[] payload() throws IOException {
            long length = in.readUnsignedByte();
            if (length == 126) {
                length = in.readUnsignedShort();
                assertThat(length).isGreaterThan(125);
            } else if (length == 127) {
                length = in.readLong();
                assertThat(length).isGreaterThan(65_535);
            }
            byte[] payload = new byte[(int) length];
            in.readFully(payload);
            return payload;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
