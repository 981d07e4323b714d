package dev.sluice.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.IntNode;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DialectTest {

    private static final Channel CHANNEL = TestOutboxFactory.channel("upload:\n\"é");
    private static final Channel UPLOAD = TestOutboxFactory.channel("upload:1");
    private static final Position AT = Position.of(new Era(0x18f3c, 0x9a1b), 1, 3, 7);

    @Test
    void subprotocolChoosesTheDialect() {
        assertThat(Dialect.of("sluice.v2")).isSameAs(Dialect.V2);
        assertThat(Dialect.of("sluice.v1")).isSameAs(Dialect.V1);
        assertThat(Dialect.of(null)).isSameAs(Dialect.V1);
        assertThat(Dialect.of("")).as("the dialect without a subprotocol").isSameAs(Dialect.V1);
    }

    @Test
    void v1HasNoPositions() {
        assertThat(text(Dialect.V1.authSuccess(welcome(new Start(null, AT, null)), null)))
                .isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
        assertThat(text(Dialect.V1.subscribed(UPLOAD, true, new Start(null, AT, null), new IntNode(5))))
                .isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:1\",\"retained\":true,\"id\":5}");
    }

    @Test
    void v2AnswersCarryThePosition() {
        String at = "\"at\":\"18f3c-9a1b.16777219.7\"";
        assertThat(text(Dialect.V2.authSuccess(welcome(new Start(null, AT, null)), null)))
                .isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"," + at + "}");
        assertThat(text(Dialect.V2.authSuccess(welcome(new Start(null, null, null)), null)))
                .isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
        assertThat(text(Dialect.V2.subscribed(UPLOAD, false, new Start(false, AT, null), new IntNode(5))))
                .isEqualTo(
                        "{\"action\":\"subscribed\",\"channel\":\"upload:1\",\"recovered\":false," + at + ",\"id\":5}");
        assertThat(text(Dialect.V2.subscribed(UPLOAD, false, new Start(true, AT, null), null)))
                .as("not before the end of the replay")
                .isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:1\",\"recovered\":true}");
        assertThat(text(Dialect.V2.mark(AT))).isEqualTo("{\"action\":\"mark\"," + at + "}");
    }

    @Test
    void otherMessagesAreEqualInBothVersions() {
        for (Dialect dialect : List.of(Dialect.V1, Dialect.V2)) {
            assertThat(text(dialect.authError(Refusal.TOKEN, "no", null)))
                    .isEqualTo("{\"action\":\"auth_error\",\"message\":\"no\"}");
            assertThat(text(dialect.unsubscribed("upload:1", null)))
                    .isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"upload:1\"}");
            assertThat(text(dialect.gap(Instant.EPOCH, null)))
                    .isEqualTo("{\"action\":\"gap\",\"since\":\"1970-01-01T00:00:00Z\",\"until\":null}");
            assertThat(text(dialect.gap(
                            Instant.parse("2026-11-24T12:00:00.123999999Z"),
                            Instant.parse("2026-11-24T12:00:31.455000001Z"))))
                    .as("not shorter than it was")
                    .isEqualTo("{\"action\":\"gap\",\"since\":\"2026-11-24T12:00:00.123Z\","
                            + "\"until\":\"2026-11-24T12:00:31.456Z\"}");
            assertThat(text(dialect.heartbeat().get(0))).isEqualTo("{\"action\":\"ping\"}");
            assertThat(dialect.heartbeat().get(1)).isInstanceOf(Frame.Ping.class);
            assertThat(text(dialect.pong(new IntNode(1)))).isEqualTo("{\"action\":\"pong\",\"id\":1}");
            assertThat(text(dialect.error(ErrorCode.FORBIDDEN, "no", "upload:1", null)))
                    .isEqualTo(
                            "{\"action\":\"error\",\"code\":\"forbidden\",\"message\":\"no\",\"channel\":\"upload:1\"}");
        }
    }

    @Test
    void closeCodesAreThoseOfTheProtocol() {
        for (Dialect dialect : List.of(Dialect.V1, Dialect.V2)) {
            assertThat(dialect.closeFor(Disconnect.OUTBOX_FULL))
                    .isEqualTo(new Close(4008, "too slow: too much is waiting"));
            assertThat(dialect.closeFor(Disconnect.TOKEN_EXPIRED)).isEqualTo(new Close(4010, "token has expired"));
            assertThat(dialect.closeFor(Disconnect.GOING_AWAY))
                    .isEqualTo(new Close(1012, "this pod is going away, reconnect"));
            assertThat(dialect.closeFor(Disconnect.OPERATOR)).isEqualTo(new Close(4503, "disconnected by an operator"));
            assertThat(dialect.closeFor(Refusal.EXPIRED, "why")).isEqualTo(new Close(4003, "why"));
            assertThat(dialect.closeFor(Refusal.UNAVAILABLE, "why")).isEqualTo(new Close(1013, "why"));
            assertThat(dialect.closeUntilLater("why")).isEqualTo(new Close(1013, "why"));
        }
    }

    @Test
    void closeCodesOfCentrifugeTellItsSdksWhetherToReconnect() {
        assertThat(Arrays.stream(Disconnect.values())
                        .map(reason -> Dialect.CENTRIFUGE.closeFor(reason).code())
                        .filter(code -> code >= 3500))
                .containsOnly(3501, 3503);
        assertThat(Dialect.CENTRIFUGE.closeFor(Disconnect.GOING_AWAY).code()).isEqualTo(3001);
        assertThat(Dialect.CENTRIFUGE.closeFor(Refusal.TOKEN, "why")).isEqualTo(new Close(3500, "why"));
        assertThat(Dialect.CENTRIFUGE.closeFor(Refusal.EXPIRED, "why")).isEqualTo(new Close(3005, "why"));
        assertThat(Dialect.CENTRIFUGE.closeFor(Refusal.NOT_AUTH, "why"))
                .isEqualTo(new Close(3501, "the first command must be connect with a token"));
        assertThat(Dialect.CENTRIFUGE.closeUntilLater("why")).isEqualTo(new Close(3004, "why"));
    }

    @Test
    void noticeOfMissedPublicationsIsNotLongerThanItsCharge() {
        byte[] name = ("upload:" + "\1".repeat(256)).getBytes(StandardCharsets.US_ASCII);
        Channel longest = Objects.requireNonNull(TestOutboxFactory.ROUTES.resolve(name, name.length));
        for (Dialect dialect : List.of(Dialect.V1, Dialect.V2)) {
            byte[] notice = dialect.missed(longest, Integer.MIN_VALUE);
            assertThat(Frame.encodedLength(notice.length)).isLessThanOrEqualTo(new Frame.Missed(longest, 1).length());
            assertThat(dialect.missed(CHANNEL, 3))
                    .asString(StandardCharsets.UTF_8)
                    .contains("{\"action\":\"missed\",\"channel\":\"upload:\\n\\\"é\",\"count\":3}");
        }
    }

    @Test
    void v1PublicationIsItsPayload() {
        Payload payload = payload(AT);
        assertThat(Dialect.V1.encode(CHANNEL, payload, true)).isSameAs(payload.bytes());
        assertThat(Dialect.V1.encode(CHANNEL, payload, false)).isSameAs(payload.bytes());
    }

    @Test
    void v2PublicationHasAHeader() {
        assertThat(Dialect.V2.encode(CHANNEL, payload(AT), true))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("{\"channel\":\"upload:\\n\\\"é\",\"at\":\"18f3c-9a1b.16777219.7\"}\n{}");
        assertThat(Dialect.V2.encode(CHANNEL, payload(AT), false))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("{\"channel\":\"upload:\\n\\\"é\",\"pos\":\"18f3c-9a1b.16777219.7\"}\n{}");
        assertThat(Dialect.V2.encode(CHANNEL, payload(null), true))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("{\"channel\":\"upload:\\n\\\"é\"}\n{}");
    }

    @Test
    void headersAreNotLongerThanTheirCharge() {
        Position longest = Position.of(new Era(-1, -1), (1L << 29) - 1, (1 << 24) - 1, -1);
        for (byte[] id : List.of(new byte[256], "\"".repeat(256).getBytes(StandardCharsets.US_ASCII), invalid())) {
            byte[] name = Arrays.copyOf("upload:".getBytes(StandardCharsets.US_ASCII), 7 + id.length);
            System.arraycopy(id, 0, name, 7, id.length);
            Channel channel = Objects.requireNonNull(TestOutboxFactory.ROUTES.resolve(name, name.length));
            assertThat(Frame.encodedLength(
                            Objects.requireNonNull(Dialect.V2.encode(channel, payload(longest), false)).length))
                    .isLessThanOrEqualTo(Frame.encodedLength(2) + PublicationBatch.maxHeader(channel));
        }
    }

    private static byte[] invalid() {
        byte[] id = new byte[256];
        Arrays.fill(id, (byte) 0xff);
        return id;
    }

    private static Payload payload(@Nullable Position position) {
        return Payload.of(1, position, "{}".getBytes(StandardCharsets.US_ASCII), 0);
    }

    private static Welcome welcome(Start start) {
        return new Welcome("1", "7", Long.MAX_VALUE, 25, List.of(), start, Map.of());
    }

    private static String text(@Nullable Frame frame) {
        return new String(((Frame.Text) Objects.requireNonNull(frame)).utf8(), StandardCharsets.UTF_8);
    }
}
