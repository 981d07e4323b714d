package dev.sluice.bench.contender;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Mints tokens that every contender accepts. */
public final class Tokens {

    /** Shared with the servers; it protects nothing. */
    static final String SECRET = "the-secret-of-the-benchmarks-is-none-0123456789";

    /** Of the RSA key. */
    public static final String KEY_ID = "bench";

    private static final Duration LIFE = Duration.ofHours(1);
    private static final String HEADER = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

    /** In place of the secret, where there is one. */
    private static volatile Optional<PrivateKey> privateKey = Optional.empty();

    private Tokens() {}

    /** From now on signs with an RSA key, or where there is none, with the shared secret. */
    public static void signWith(Optional<PrivateKey> key) {
        privateKey = key;
    }

    /** @param groups the user's roles over HTTP */
    public static String of(String user, String... groups) {
        return of(user, KEY_ID, groups);
    }

    /** A token that names another key than the one it is signed with. */
    public static String ofKey(String keyId, String user) {
        return of(user, keyId, new String[0]);
    }

    private static String of(String user, String keyId, String[] groups) {
        long expiry = Instant.now().plus(LIFE).getEpochSecond();
        String roles = Stream.of(groups).map(group -> "\"" + group + "\"").collect(Collectors.joining(",", "[", "]"));
        String claims =
                "{\"sub\":\"" + user + "\",\"type\":\"access\",\"exp\":" + expiry + ",\"groups\":" + roles + "}";
        Optional<PrivateKey> key = privateKey;
        String header = key.isEmpty() ? HEADER : "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"" + keyId + "\"}";
        String signed = base64(header.getBytes(StandardCharsets.US_ASCII)) + "."
                + base64(claims.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + base64(key.isEmpty() ? signature(signed) : signature(signed, key.get()));
    }

    private static byte[] signature(String text, PrivateKey key) {
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(key);
            signature.update(text.getBytes(StandardCharsets.US_ASCII));
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has RSA", e);
        }
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
