package dev.sluice.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.harness.EventParser;
import dev.sluice.harness.EventParser.Event;
import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventStreamTest {

    private static final Channel UPLOAD = TestOutboxFactory.channel("upload:1");
    private static final Position AT = Position.of(new Era(0x18f3c, 0x9a1b), 1, 3, 7);
    private static final String ID = "18f3c-9a1b.16777219.7";

    private final EventParser browser = new EventParser();

    @Test
    void completePublicationHasItsPositionAsId() {
        assertThat(read(Dialect.EVENTS.encode(UPLOAD, payload("{}", AT), true)))
                .containsExactly(new Event("message", "{}", ID));
    }

    @Test
    void publicationThatMayPrecedeOlderOnesHasNoId() {
        read(utf8(Dialect.EVENTS.mark(AT)));
        Position later = Objects.requireNonNull(AT.plus(1));
        assertThat(read(Dialect.EVENTS.encode(UPLOAD, payload("{}", later), false)))
                .containsExactly(new Event("message", "{}", ID));
        assertThat(read(Dialect.EVENTS.encode(UPLOAD, payload("{}", null), true)))
                .containsExactly(new Event("message", "{}", ID));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", " a", "a\nb", "\n", "\n\n", "a\n", ":a", "data: x\n\nid: 1\n\n", "é\u2028", "\0"})
    void payloadIsUnchanged(String payload) {
        assertThat(read(Dialect.EVENTS.encode(UPLOAD, payload(payload, AT), true)))
                .containsExactly(new Event("message", payload, ID));
    }

    @Test
    void everyLineBreakBecomesALineFeed() {
        assertThat(read(Dialect.EVENTS.encode(UPLOAD, payload("a\rb\r\nc\n\rd\r", null), true)))
                .containsExactly(new Event("message", "a\nb\nc\n\nd\n", ""));
    }

    @Test
    void randomPayloadsAreUnchangedAndNotLongerThanTheirCharge() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String alphabet = "\n\r: aé\u20ac\ud83d\ude00\0\ufeff";
        for (int round = 0; round < 20_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(40); i > 0; i--) {
                int from = random.nextInt(alphabet.codePointCount(0, alphabet.length()));
                text.appendCodePoint(alphabet.codePointAt(alphabet.offsetByCodePoints(0, from)));
            }
            Dialect dialect = random.nextBoolean() ? Dialect.EVENTS : Dialect.NAMED_EVENTS;
            Payload payload = payload(text.toString(), AT);
            byte[] event = dialect.encode(UPLOAD, payload, random.nextBoolean());
            assertThat(read(event))
                    .as("seed %d, round %d", seed, round)
                    .extracting(Event::data)
                    .containsExactly(text.toString().replace("\r\n", "\n").replace('\r', '\n'));
            assertCharged(dialect, UPLOAD, payload);
        }
    }

    @Test
    void longestEventsAreNotLongerThanTheirCharge() {
        byte[] name = new byte[7 + 256];
        Arrays.fill(name, (byte) 0xff);
        System.arraycopy("upload:".getBytes(StandardCharsets.US_ASCII), 0, name, 0, 7);
        Channel channel = Objects.requireNonNull(TestOutboxFactory.ROUTES.resolve(name, name.length));
        Position longest = Position.of(new Era(-1, -1), (1L << 29) - 1, (1 << 24) - 1, -1);
        for (int length : new int[] {0, 1, 125, 126, 65_535, 65_536, 300_000}) {
            for (int fill : new int[] {'a', '\n', '\r', 0xff}) {
                byte[] bytes = new byte[length];
                Arrays.fill(bytes, (byte) fill);
                assertCharged(Dialect.NAMED_EVENTS, channel, Payload.of(1, longest, bytes, 0));
            }
        }
    }

    private static void assertCharged(Dialect dialect, Channel channel, Payload payload) {
        int chunk = Objects.requireNonNull(dialect.encode(channel, payload, true)).length;
        int charge = Frame.encodedLength(payload.bytes().length) + dialect.overhead(channel, payload);
        int delimiters = Integer.toHexString(chunk).length() + 4;
        assertThat(chunk + delimiters).isLessThanOrEqualTo(charge);
    }

    @Test
    void binaryPayloadIsBase64() {
        byte[] bytes = {(byte) 0xff, 0, '\n', 1};
        for (Dialect dialect : List.of(Dialect.EVENTS, Dialect.NAMED_EVENTS)) {
            assertThat(read(dialect.encode(UPLOAD, Payload.of(1, AT, bytes, 0), true)))
                    .containsExactly(new Event("binary", Base64.getEncoder().encodeToString(bytes), ID));
        }
    }

    @Test
    void namedPublicationHasItsChannelAsType() {
        assertThat(read(Dialect.NAMED_EVENTS.encode(UPLOAD, payload("{}", AT), true)))
                .containsExactly(new Event("upload:1", "{}", ID));
        Channel hostile = TestOutboxFactory.channel("upload:\ndata: forged\r\n\r\n");
        assertThat(read(Dialect.NAMED_EVENTS.encode(hostile, payload("{}", AT), true)))
                .containsExactly(new Event("upload: data: forged    ", "{}", ID));
    }

    @Test
    void markSetsTheLastEventIdWithoutAnEvent() {
        assertThat(read(utf8(Dialect.EVENTS.mark(AT)))).isEmpty();
        assertThat(browser.lastEventId()).isEqualTo(ID);
    }

    @Test
    void heartbeatIsAComment() {
        assertThat(Dialect.EVENTS.heartbeat())
                .singleElement()
                .satisfies(frame -> assertThat(read(utf8(frame))).isEmpty());
        assertThat(browser.comments()).isEqualTo(1);
    }

    @Test
    void firstEventNamesTheChannelsAndHasNoId() {
        assertThat(read(utf8(Dialect.EVENTS.authSuccess(welcome(new Start(true, AT, null)), null))))
                .containsExactly(new Event(
                        "sluice", "{\"action\":\"subscribed\",\"channels\":[\"upload:1\"],\"recovered\":true}", ""));
        assertThat(browser.lastEventId())
                .as("before what is recovered has been sent")
                .isEmpty();
        assertThat(browser.retryMillis()).isBetween(1_000L, 5_000L);
    }

    @Test
    void positionOfTheStartFollowsTheFirstEvent() {
        assertThat(read(utf8(Dialect.EVENTS.authSuccess(welcome(new Start(null, AT, null)), null))))
                .containsExactly(new Event("sluice", "{\"action\":\"subscribed\",\"channels\":[\"upload:1\"]}", ""));
        assertThat(browser.lastEventId()).isEqualTo(ID);
    }

    @Test
    void ownMessagesAreEventsOfTheirOwnType() {
        assertThat(read(utf8(Dialect.EVENTS.gap(Instant.EPOCH, null))))
                .containsExactly(new Event(
                        "sluice", "{\"action\":\"gap\",\"since\":\"1970-01-01T00:00:00Z\",\"until\":null}", ""));
        Channel hostile = TestOutboxFactory.channel("upload:\n\n");
        byte[] missed = Dialect.EVENTS.missed(hostile, 3);
        assertThat(read(missed))
                .containsExactly(
                        new Event("sluice", "{\"action\":\"missed\",\"channel\":\"upload:\\n\\n\",\"count\":3}", ""));
    }

    @Test
    void noticeOfMissedPublicationsIsNotLongerThanItsCharge() {
        byte[] name = ("upload:" + "\1".repeat(256)).getBytes(StandardCharsets.US_ASCII);
        Channel longest = Objects.requireNonNull(TestOutboxFactory.ROUTES.resolve(name, name.length));
        byte[] notice = Dialect.EVENTS.missed(longest, Integer.MIN_VALUE);
        assertThat(notice.length + 4 + Integer.toHexString(notice.length).length())
                .isLessThanOrEqualTo(new Frame.Missed(longest, 1).length());
    }

    @Test
    void lastEventSaysWhyTheStreamEnds() {
        Close close = Dialect.EVENTS.closeFor(Disconnect.GOING_AWAY);
        assertThat(close.code()).isEqualTo(1012);
        assertThat(read(utf8(Objects.requireNonNull(close.last()))))
                .containsExactly(new Event(
                        "sluice",
                        "{\"action\":\"close\",\"code\":1012,\"reason\":\"this pod is going away, reconnect\"}",
                        ""));
        assertThat(browser.retryMillis()).isBetween(1_000L, 5_000L);
        read(utf8(Objects.requireNonNull(
                Dialect.EVENTS.closeFor(Disconnect.OPERATOR).last())));
        assertThat(browser.retryMillis()).isBetween(24_000L, 120_000L);
    }

    private List<Event> read(byte @Nullable [] bytes) {
        byte[] sent = Objects.requireNonNull(bytes);
        return browser.parse(sent, sent.length);
    }

    private static byte[] utf8(@Nullable Frame frame) {
        if (frame instanceof Frame.Mark mark) {
            ByteArrayOutputStream both = new ByteArrayOutputStream();
            both.writeBytes(mark.message());
            both.writeBytes(mark.position());
            return both.toByteArray();
        }
        return ((Frame.Text) Objects.requireNonNull(frame)).utf8();
    }

    private static Payload payload(String text, @Nullable Position position) {
        return Payload.of(1, position, text.getBytes(StandardCharsets.UTF_8), 0);
    }

    private static Welcome welcome(Start start) {
        return new Welcome("", "7", 0, 25, List.of(UPLOAD), start, Map.of());
    }
}
