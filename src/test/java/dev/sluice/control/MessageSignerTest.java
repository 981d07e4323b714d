package dev.sluice.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.control.MessageSigner.Verification;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageSignerTest {

    private static final byte[] SECRET = "0123456789abcdef0123456789abcdef".getBytes(UTF_8);
    private static final String CONTENT = "{\"command\":\"disconnect_user\",\"user\":\"é\"}";

    private static final String HEADER = "{'alg':'HS256','typ':'sluice-control+jwt'}";
    private static final String CLAIMS = "{'iat':NOW,'aud':'sluice:control','content':'x','jti':'a'}";

    private Instant now = Instant.parse("2026-11-24T12:00:00Z");
    private final MessageSigner sender = signer(SECRET);
    private final MessageSigner receiver = signer(SECRET);

    /** Returns a JWS with HMAC-SHA256 and any header; {@code '} stands for {@code "}, and {@code NOW} for the time. */
    private String signed(String header, String claims) {
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        String time = String.valueOf(now.getEpochSecond());
        String signed = base64.encodeToString(header.replace('\'', '"').getBytes(UTF_8)) + "."
                + base64.encodeToString(
                        claims.replace('\'', '"').replace("NOW", time).getBytes(UTF_8));
        return signed + "." + base64.encodeToString(hmac(signed));
    }

    private static byte[] hmac(String signed) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(SECRET, "HmacSHA256"));
            return mac.doFinal(signed.getBytes(UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private MessageSigner signer(byte[] secret) {
        return new MessageSigner(
                secret,
                () -> now,
                new ReplayCache(100, () -> Duration.between(Instant.EPOCH, now).toNanos()));
    }

    @Test
    void messageOfAnotherPodIsAccepted() {
        assertThat(receiver.verify(sender.sign(CONTENT))).isEqualTo(new Verification.Genuine(CONTENT));
        assertThat(receiver.verify(sender.sign(CONTENT)))
                .as("a second time")
                .isEqualTo(new Verification.Genuine(CONTENT));
    }

    @Test
    void repeatableMessageIsAcceptedAgainWithinTheWindow() {
        String message = sender.signRepeatable(CONTENT);
        for (int i = 0; i < 200; i++) {
            assertThat(receiver.verify(message)).isEqualTo(new Verification.Repeatable(CONTENT));
        }
        assertThat(receiver.verify(sender.sign(CONTENT)))
                .as("uses no room of the replay cache")
                .isEqualTo(new Verification.Genuine(CONTENT));
        now = now.plusSeconds(31);
        assertThat(receiver.verify(message)).isEqualTo(new Verification.Refused());
    }

    @Test
    void ownMessageIsRecognisedOnce() {
        String message = sender.sign(CONTENT);
        assertThat(sender.verify(message)).isEqualTo(new Verification.Own(CONTENT));
        assertThat(sender.verify(message)).isEqualTo(new Verification.Refused());
    }

    @Test
    void replayIsRefusedUntilTheMessageIsTooOld() {
        String message = sender.sign(CONTENT);
        receiver.verify(message);
        for (int i = 0; i <= 31; i++) {
            assertThat(receiver.verify(message)).as("after %d s", i).isEqualTo(new Verification.Refused());
            now = now.plusSeconds(1);
        }
    }

    @Test
    void replayOfAMessageFromTheFutureIsRefused() {
        now = now.plusSeconds(30);
        String message = sender.sign(CONTENT);
        now = now.minusSeconds(30);
        assertThat(receiver.verify(message)).isInstanceOf(Verification.Genuine.class);
        for (int i = 0; i <= 61; i++) {
            assertThat(receiver.verify(message)).as("after %d s", i).isEqualTo(new Verification.Refused());
            now = now.plusSeconds(1);
        }
    }

    @Test
    void messageIsAcceptedIfClocksDifferByHalfAMinute() {
        Instant sent = now;
        for (int sign : new int[] {1, -1}) {
            now = sent;
            String message = sender.sign(CONTENT);
            now = sent.plusSeconds(sign * 31L);
            assertThat(signer(SECRET).verify(message)).isEqualTo(new Verification.Refused());
            now = sent.plusSeconds(sign * 30L);
            assertThat(signer(SECRET).verify(message)).isInstanceOf(Verification.Genuine.class);
        }
    }

    @Test
    void messageOfAnotherFleetIsRefused() {
        byte[] other = SECRET.clone();
        other[0]++;
        assertThat(receiver.verify(signer(other).sign(CONTENT))).isEqualTo(new Verification.Refused());
    }

    @Test
    void messageWithACharacterChangedRemovedOrAddedIsRefused() {
        String message = sender.sign(CONTENT);
        // The last character has unused bits, so another text has the same signature.
        for (int i = 0; i < message.length() - 1; i++) {
            char c = message.charAt(i);
            String before = message.substring(0, i);
            String after = message.substring(i + 1);
            for (String forged : new String[] {
                before + (char) (c ^ 1) + after,
                before + (char) (c ^ 32) + after,
                before + after,
                before + c + c + after
            }) {
                assertThat(receiver.verify(forged)).as(forged).isEqualTo(new Verification.Refused());
            }
        }
        assertThat(receiver.verify(message)).as("none of them used it up").isInstanceOf(Verification.Genuine.class);
        for (char last : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".toCharArray()) {
            assertThat(receiver.verify(message.substring(0, message.length() - 1) + last))
                    .isEqualTo(new Verification.Refused());
        }
    }

    @Test
    void partsOfTwoMessagesAreRefused() {
        String[] one = sender.sign(CONTENT).split("\\.", -1);
        String[] two = sender.sign(CONTENT.replace("é", "7")).split("\\.", -1);
        for (int i = 1; i < 3; i++) {
            String[] mixed = one.clone();
            mixed[i] = two[i];
            assertThat(receiver.verify(String.join(".", mixed))).isEqualTo(new Verification.Refused());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", ".", "....", "1.2.3.4.5", "{\"command\":\"disconnect_user\",\"user\":\"7\"}", "\u0000", "é"})
    void arbitraryTextIsRefused(String text) {
        assertThat(receiver.verify(text)).isEqualTo(new Verification.Refused());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'iat':NOW,'aud':'sluice:control','content':'x','jti':7}",
                "{'iat':NOW,'aud':'sluice:control','content':7,'jti':'a'}",
                "{'iat':NOW,'aud':'sluice:control','jti':'a'}",
                "{'iat':NOW,'aud':'another','content':'x','jti':'a'}",
                "{'iat':NOW,'content':'x','jti':'a'}",
                "{'aud':'sluice:control','content':'x','jti':'a'}",
                "{'iat':'NOW','aud':'sluice:control','content':'x','jti':'a'}",
                "{'iat':99999999999999999999999,'aud':'sluice:control','content':'x','jti':'a'}",
                "{'iat':-9223372036854775808,'aud':'sluice:control','content':'x','jti':'a'}",
                "{'iat':9223372036854775807,'aud':'sluice:control','content':'x','jti':'a'}",
                "{'iat':NOW,'exp':1,'aud':'sluice:control','content':'x','jti':'a'}",
                "[]",
                "nonsense"
            })
    void signedClaimsThatAreNotThoseOfAMessageAreRefused(String claims) {
        assertThat(receiver.verify(signed(HEADER, CLAIMS)))
                .as("the right ones")
                .isEqualTo(new Verification.Genuine("x"));
        assertThat(receiver.verify(signed(HEADER, claims))).isEqualTo(new Verification.Refused());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'alg':'HS256'}",
                "{'alg':'HS256','typ':'JWT'}",
                "{'alg':'HS256','typ':7}",
                "{'alg':'HS384','typ':'sluice-control+jwt'}",
                "{'alg':'none','typ':'sluice-control+jwt'}",
                "{'alg':'RS256','typ':'sluice-control+jwt'}",
                "{'alg':7,'typ':'sluice-control+jwt'}",
                "{'alg':'HS256','typ':'sluice-control+jwt','crit':['x']}",
                "{'alg':'HS256','typ':'sluice-control+jwt','crit':7}",
                "{'typ':'sluice-control+jwt'}",
                "{}",
                "[]",
                "7"
            })
    void anotherHeaderIsRefused(String header) {
        assertThat(receiver.verify(signed(header, CLAIMS))).isEqualTo(new Verification.Refused());
    }

    @Test
    void tokenOfAUserSignedWithTheSameSecretIsRefused() {
        assertThat(receiver.verify(signed("{'alg':'HS256','typ':'JWT'}", "{'sub':'7','exp':NOW0}")))
                .isEqualTo(new Verification.Refused());
    }

    @Test
    void tenThousandEscapedCharactersAreAccepted() {
        String content = "\"".repeat(10_000);
        assertThat(receiver.verify(sender.signRepeatable(content))).isEqualTo(new Verification.Repeatable(content));
        assertThat(receiver.verify(sender.sign(content))).isEqualTo(new Verification.Genuine(content));
    }

    @Test
    void equalContentsMakeDifferentMessages() {
        Set<String> messages = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            messages.add(sender.sign(CONTENT));
        }
        assertThat(messages).hasSize(100);
    }

    @Test
    void messageIsRefusedWhenTheReplayCacheIsFull() {
        for (int i = 0; i < 100; i++) {
            assertThat(receiver.verify(signer(SECRET).sign(CONTENT))).isInstanceOf(Verification.Genuine.class);
        }
        String message = signer(SECRET).sign(CONTENT);
        assertThat(receiver.verify(message)).isEqualTo(new Verification.Refused());
        now = now.plus(ReplayCache.RETENTION).plusSeconds(1);
        assertThat(receiver.verify(signer(SECRET).sign(CONTENT))).isInstanceOf(Verification.Genuine.class);
        assertThat(receiver.verify(message)).as("too old by now").isEqualTo(new Verification.Refused());
    }
}
