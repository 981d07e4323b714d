package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients that break the WebSocket protocol get the right close code, and do not affect others. */
@Tag("chaos")
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wires")
class MalformedIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private final Pod pod;

    MalformedIT(PodVariant variant) {
        this.pod = STAGE.pod(variant);
    }

    private Client bystander;

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

    static Stream<Arguments> violations() {
        byte[] small = "{}".getBytes(StandardCharsets.US_ASCII);
        return Stream.of(
                violation("reserved bits", 1002, client -> client.frame(0xf0 | RawClient.TEXT, small)),
                violation("unknown opcode", 1002, client -> client.frame(RawClient.FINAL | 3, small)),
                violation("unknown control opcode", 1002, client -> client.frame(RawClient.FINAL | 11, small)),
                violation(
                        "continuation of nothing",
                        1002,
                        client -> client.frame(RawClient.FINAL | RawClient.CONTINUATION, small)),
                violation(
                        "a message in a message",
                        1002,
                        client -> client.frame(RawClient.TEXT, small).frame(RawClient.FINAL | RawClient.TEXT, small)),
                violation(
                        "ping too long", 1002, client -> client.frame(RawClient.FINAL | RawClient.PING, new byte[126])),
                violation("ping in parts", 1002, client -> client.frame(RawClient.PING, small)),
                violation(
                        "text that is not UTF-8",
                        1007,
                        client -> client.frame(RawClient.FINAL | RawClient.TEXT, new byte[] {'"', (byte) 0xff})),
                violation(
                        "text that ends within a character",
                        1007,
                        client -> client.frame(RawClient.FINAL | RawClient.TEXT, new byte[] {(byte) 0xd0})),
                violation(
                        "text in parts that ends within a character",
                        1007,
                        client -> client.frame(RawClient.TEXT, new byte[] {'"', (byte) 0xe2})
                                .frame(RawClient.CONTINUATION, new byte[] {(byte) 0x82})
                                .frame(RawClient.FINAL | RawClient.CONTINUATION, new byte[0])),
                violation(
                        "a surrogate, which is no character",
                        1007,
                        client -> client.frame(
                                RawClient.FINAL | RawClient.TEXT, new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80})),
                violation(
                        "text in parts of which the second is not UTF-8",
                        1007,
                        client -> client.frame(RawClient.TEXT, small)
                                .frame(RawClient.FINAL | RawClient.PING, new byte[0])
                                .frame(RawClient.FINAL | RawClient.CONTINUATION, new byte[] {(byte) 0xc0, (byte) 0x80
                                })),
                violation("not masked", 1002, client -> client.bytes(new byte[] {(byte) 0x81, 2, '{', '}'})),
                violation("too large", 1009, client -> client.text("x".repeat(32 * 1024 + 1))),
                violation("far too large", 1009, client -> client.text("x".repeat(1_000_000))),
                violation(
                        "too large in parts",
                        1009,
                        client -> client.frame(RawClient.TEXT, new byte[20_000])
                                .frame(RawClient.FINAL | RawClient.CONTINUATION, new byte[20_000])),
                violation(
                        "announced far too large",
                        1009,
                        client -> client.bytes(
                                new byte[] {(byte) 0x81, (byte) 0xff, 0x7f, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0})));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("violations")
    void malformedFramesAreClosedWithTheirCode(String name, int code, Violation violation) {
        try (RawClient client = RawClient.of(pod, "rude")) {
            violation.commit(client);
            assertThat(client.closeCode()).isEqualTo(code);
        }
        try (RawClient client = RawClient.connect(pod)) {
            violation.commit(client);
            assertThat(client.closeCode()).as("before authentication").isEqualTo(code);
        }
    }

    @Test
    void characterMaySpanFragmentsAndBinaryFramesMayHoldAnyBytes() {
        byte[] message = "{\"action\":\"dance\",\"id\":\"\u20ac\"}".getBytes(StandardCharsets.UTF_8);
        try (RawClient client = RawClient.of(pod, "polite")) {
            for (int cut = 1; cut < message.length; cut++) {
                client.frame(RawClient.TEXT, Arrays.copyOf(message, cut))
                        .frame(RawClient.FINAL | RawClient.PING, new byte[0])
                        .frame(
                                RawClient.FINAL | RawClient.CONTINUATION,
                                Arrays.copyOfRange(message, cut, message.length));
                assertThat(client.next()).contains("unknown_action", "\u20ac");
            }
            client.frame(RawClient.FINAL | RawClient.BINARY, new byte[] {(byte) 0xff});
            assertThat(client.next()).contains("bad_message");
        }
    }

    @Test
    void frameOfTheLargestAllowedSizeIsAccepted() {
        String start = "{\"action\":\"dance\",\"id\":1,\"more\":\"";
        String message = start + "x".repeat(32 * 1024 - start.length() - 2) + "\"}";
        try (Client client = Client.of(pod, "polite")) {
            assertThat(client.send(message).next()).contains("unknown_action");
            assertThat(client.sendInParts(message.substring(0, 9), message.substring(9))
                            .next())
                    .contains("unknown_action");
        }
    }

    @Test
    void firstFragmentMayBeEmpty() {
        byte[] message = "{\"action\":\"dance\"}".getBytes(StandardCharsets.US_ASCII);
        try (RawClient client = RawClient.of(pod, "polite")) {
            for (int i = 0; i < 3; i++) {
                client.frame(RawClient.TEXT, new byte[0])
                        .frame(RawClient.CONTINUATION, new byte[0])
                        .frame(RawClient.FINAL | RawClient.CONTINUATION, message);
                assertThat(client.next()).contains("unknown_action");
                assertThat(client.text("{}").next()).contains("bad_message");
            }
        }
    }

    @Test
    void partialFrameAndResetLeakNothing() {
        awaitNobodyButTheBystander();
        for (int i = 0; i < 20; i++) {
            RawClient.of(pod, "rude")
                    .bytes(new byte[] {(byte) 0x81, (byte) 0xfe, 0x10})
                    .reset();
        }
        awaitNobodyButTheBystander();
    }

    private void awaitNobodyButTheBystander() {
        await().until(() -> pod.metric("sluice_connections{state=\"authenticated\"}") == 1);
    }

    @FunctionalInterface
    interface Violation {
        void commit(RawClient client);
    }

    private static Arguments violation(String name, int code, Violation violation) {
        return Arguments.of(name, code, violation);
    }
}
