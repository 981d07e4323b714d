package dev.sluice.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.control.MessageSigner.Verification;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageSignerTest {

    private static final byte[] SECRET = "0123456789abcdef0123456789abcdef".getBytes(UTF_8);
    private static final String CONTENT = "{\"command\":\"disconnect_user\",\"user\":\"é\"}";

    private Instant now = Instant.parse("2026-11-24T12:00:00Z");
    private final MessageSigner sender = seal(SECRET);
    private final MessageSigner receiver = seal(SECRET);

    private MessageSigner seal(byte[] secret) {
        return new MessageSigner(
                secret,
                () -> now,
                new ReplayCache(100, () -> Duration.between(Instant.EPOCH, now).toNanos()));
    }

    @Test
    void whatAnotherPodHasSignedIsGenuine() {
        assertThat(receiver.examine(sender.sign(CONTENT))).isEqualTo(new Verification.Genuine(CONTENT));
        assertThat(receiver.examine(sender.sign(CONTENT)))
                .as("a second time")
                .isEqualTo(new Verification.Genuine(CONTENT));
    }

    @Test
    void whatIsRepeatableMayBeHeardAgainWithinItsTimeAndIsNothingElse() {
        String message = sender.signRepeatable(CONTENT);
        for (int i = 0; i < 200; i++) {
            assertThat(receiver.examine(message)).isEqualTo(new Verification.Repeatable(CONTENT));
        }
        assertThat(receiver.examine(message.replaceFirst("^2", "1"))).isEqualTo(new Verification.Refused());
        assertThat(seal("another secret, of 32 bytes or so".getBytes(UTF_8)).examine(message))
                .isEqualTo(new Verification.Refused());
        assertThat(receiver.examine(sender.sign(CONTENT)))
                .as("uses up no room for nonces")
                .isEqualTo(new Verification.Genuine(CONTENT));
        now = now.plusSeconds(31);
        assertThat(receiver.examine(message)).isEqualTo(new Verification.Refused());
    }

    @Test
    void itsOwnEchoIsKnownOnce() {
        String message = sender.sign(CONTENT);
        assertThat(sender.examine(message)).isEqualTo(new Verification.Own());
        assertThat(sender.examine(message)).isEqualTo(new Verification.Refused());
    }

    @Test
    void whatIsHeardAgainIsRefusedForAsLongAsItsTimeIsGood() {
        String message = sender.sign(CONTENT);
        receiver.examine(message);
        for (int i = 0; i <= 31; i++) {
            assertThat(receiver.examine(message)).as("after %d s", i).isEqualTo(new Verification.Refused());
            now = now.plusSeconds(1);
        }
    }

    @Test
    void aMessageFromTheFutureIsNotGoodTwiceEither() {
        now = now.plusSeconds(30);
        String message = sender.sign(CONTENT);
        now = now.minusSeconds(30);
        assertThat(receiver.examine(message)).isInstanceOf(Verification.Genuine.class);
        for (int i = 0; i <= 61; i++) {
            assertThat(receiver.examine(message)).as("after %d s", i).isEqualTo(new Verification.Refused());
            now = now.plusSeconds(1);
        }
    }

    @Test
    void theWindowIsHalfAMinuteBothWays() {
        Instant sent = now;
        for (int sign : new int[] {1, -1}) {
            now = sent;
            String message = sender.sign(CONTENT);
            now = sent.plusMillis(sign * 30_001L);
            assertThat(seal(SECRET).examine(message)).isEqualTo(new Verification.Refused());
            now = sent.plusMillis(sign * 30_000L);
            assertThat(seal(SECRET).examine(message)).isInstanceOf(Verification.Genuine.class);
        }
    }

    @Test
    void anotherSecretIsNotBelieved() {
        byte[] other = SECRET.clone();
        other[0]++;
        assertThat(receiver.examine(seal(other).sign(CONTENT))).isEqualTo(new Verification.Refused());
    }

    @Test
    void noCharacterOfAMessageCanBeChangedTakenAwayOrAdded() {
        String message = sender.sign(CONTENT);
        for (int i = 0; i < message.length(); i++) {
            char c = message.charAt(i);
            String before = message.substring(0, i);
            String after = message.substring(i + 1);
            for (String forged : new String[] {
                before + (char) (c ^ 1) + after,
                before + (char) (c ^ 32) + after,
                before + after,
                before + c + c + after
            }) {
                assertThat(receiver.examine(forged)).as(forged).isEqualTo(new Verification.Refused());
            }
        }
        assertThat(receiver.examine(message)).as("none of them used it up").isInstanceOf(Verification.Genuine.class);
    }

    @Test
    void thePartsOfTwoMessagesMakeNoThird() {
        String[] one = sender.sign(CONTENT).split("\\.", -1);
        String[] two = sender.sign(CONTENT.replace("é", "7")).split("\\.", -1);
        for (int i = 2; i < 5; i++) {
            String[] mixed = one.clone();
            mixed[i] = two[i];
            assertThat(receiver.examine(String.join(".", mixed))).isEqualTo(new Verification.Refused());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", ".", "....", "1.2.3.4.5", "{\"command\":\"disconnect_user\",\"user\":\"7\"}", "\u0000", "é"})
    void whatIsNoMessageIsRefused(String text) {
        assertThat(receiver.examine(text)).isEqualTo(new Verification.Refused());
    }

    @Test
    void aTimeBeyondAllReasonIsRefused() {
        for (String time : new String[] {"9".repeat(15), "9".repeat(19), "-1", "0"}) {
            String nonce = Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[16]);
            assertThat(receiver.examine("1." + time + "." + nonce + ".e30." + "A".repeat(43)))
                    .isEqualTo(new Verification.Refused());
        }
    }

    @Test
    void noTwoMessagesAreTheSame() {
        Set<String> messages = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            messages.add(sender.sign(CONTENT));
        }
        assertThat(messages).hasSize(100);
    }

    @Test
    void whatCannotBeRememberedIsNotBelieved() {
        for (int i = 0; i < 100; i++) {
            assertThat(receiver.examine(seal(SECRET).sign(CONTENT))).isInstanceOf(Verification.Genuine.class);
        }
        String message = seal(SECRET).sign(CONTENT);
        assertThat(receiver.examine(message)).isEqualTo(new Verification.Refused());
        now = now.plus(ReplayCache.KEPT).plusSeconds(1);
        assertThat(receiver.examine(seal(SECRET).sign(CONTENT))).isInstanceOf(Verification.Genuine.class);
        assertThat(receiver.examine(message)).as("too old by now").isEqualTo(new Verification.Refused());
    }
}
