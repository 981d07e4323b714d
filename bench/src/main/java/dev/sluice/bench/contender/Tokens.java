package dev.sluice.bench.contender;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Mints tokens that every contender accepts. */
public final class Tokens {

    /** Shared with the servers; it protects nothing. */
    static final String SECRET = "the-secret-of-the-benchmarks-is-none-0123456789";

    private static final Duration LIFE = Duration.ofHours(1);
    private static final String HEADER = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

    private Tokens() {}

    /** @param groups the user's roles over HTTP */
    public static String of(String user, String... groups) {
        long expiry = Instant.now().plus(LIFE).getEpochSecond();
        String roles = Stream.of(groups).map(group -> "\"" + group + "\"").collect(Collectors.joining(",", "[", "]"));
        String claims =
                "{\"sub\":\"" + user + "\",\"type\":\"access\",\"exp\":" + expiry + ",\"groups\":" + roles + "}";
        String signed = base64(HEADER.getBytes(StandardCharsets.US_ASCII)) + "."
                + base64(claims.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + base64(signature(signed));
    }

    private static byte[] signature(String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(SECRET.getBytes(StandardCharsets.US_ASCII), mac.getAlgorithm()));
            return mac.doFinal(text.getBytes(StandardCharsets.US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
