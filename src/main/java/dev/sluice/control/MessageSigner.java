package dev.sluice.control;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs what a pod says, and tells what another pod has signed from everything else: {@code
 * version.time.nonce.content.signature}, the signature being HMAC-SHA256 over all before it, dots included. Safe for use
 * by several threads.
 */
final class MessageSigner {

    /** How far the time of a message may be from ours, in the past or in the future. */
    static final Duration WINDOW = Duration.ofSeconds(30);

    private static final String ALGORITHM = "HmacSHA256";
    private static final int NONCE_BYTES = 16;

    /** What may be acted upon once only, and what does no harm when it is heard again. */
    private static final String ONCE = "1";

    private static final String REPEATABLE = "2";

    /** One of the two; milliseconds since 1970; 16 bytes; some JSON; 32 bytes, the bytes in URL-safe Base64. */
    private static final Pattern MESSAGE =
            Pattern.compile("(([12])\\.([0-9]{1,15})\\.([\\w-]{22})\\.([\\w-]{1,14000}))\\.([\\w-]{43})");

    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();
    private static final Base64.Decoder DECODER = Base64.getUrlDecoder();

    private final SecretKeySpec key;
    private final InstantSource clock;
    private final ReplayCache nonces;
    private final SecureRandom random = new SecureRandom();

    /** What a message is. */
    sealed interface Verification {
        /** Another pod has said this, just now and for the first time. */
        record Genuine(String content) implements Verification {}

        /** A pod has said this, maybe ourselves, and maybe before. */
        record Repeatable(String content) implements Verification {}

        /** We have said it. */
        record Own() implements Verification {}

        /** Nothing that may be acted upon. */
        record Refused() implements Verification {}
    }

    MessageSigner(byte[] secret, InstantSource clock, ReplayCache nonces) {
        this.key = new SecretKeySpec(secret, ALGORITHM);
        this.clock = clock;
        this.nonces = nonces;
    }

    /** The content as a message that others will take for genuine, once. */
    String sign(String content) {
        String nonce = nonce();
        nonces.own(nonce);
        return sign(ONCE, nonce, content);
    }

    /** The content as a message that others will take for genuine whenever they hear it within {@link #WINDOW}. */
    String signRepeatable(String content) {
        return sign(REPEATABLE, nonce(), content);
    }

    private String nonce() {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        return ENCODER.encodeToString(nonce);
    }

    private String sign(String kind, String nonce, String content) {
        String signed = kind + "." + clock.millis() + "." + nonce + "."
                + ENCODER.encodeToString(content.getBytes(StandardCharsets.UTF_8));
        return signed + "." + ENCODER.encodeToString(signature(signed));
    }

    /** What the message is; unless it is repeatable, it is only once that it is anything but refused. */
    Verification examine(String message) {
        Matcher parts = MESSAGE.matcher(message);
        if (!parts.matches()) {
            return new Verification.Refused();
        }
        byte[] claimed = parts.group(6).getBytes(StandardCharsets.US_ASCII);
        byte[] signature = ENCODER.encode(signature(parts.group(1)));
        // In text, as several texts decode to the same bytes; in constant time, as its length of time would give it
        // away.
        if (!MessageDigest.isEqual(claimed, signature)) {
            return new Verification.Refused();
        }
        long age = clock.millis() - Long.parseLong(parts.group(3));
        if (Math.abs(age) > WINDOW.toMillis()) {
            return new Verification.Refused();
        }
        String content = new String(DECODER.decode(parts.group(5)), StandardCharsets.UTF_8);
        if (parts.group(2).equals(REPEATABLE)) {
            return new Verification.Repeatable(content);
        }
        return switch (nonces.use(parts.group(4))) {
            case NEW -> new Verification.Genuine(content);
            case OWN -> new Verification.Own();
            case USED, TOO_MANY -> new Verification.Refused();
        };
    }

    private byte[] signature(String signed) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            return mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has HMAC-SHA256", e);
        }
    }
}
