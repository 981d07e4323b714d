package dev.sluice.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import javax.crypto.spec.SecretKeySpec;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.lang.JoseException;
import org.jspecify.annotations.Nullable;

/** Creates valid and forged tokens. */
public final class Tokens {

    /** The tokens by user and groups, because signing takes time and a token outlives all tests. */
    private static final Map<String, String> GOOD = new ConcurrentHashMap<>();

    private static final KeyPair KEY = RsaKeys.next();
    private static final KeyPair OTHER_KEY = RsaKeys.next();
    private static final Path KEY_FILE = file("key.pem", publicKeyPem());

    private Tokens() {}

    /**
     * Returns a token like the backend's: with exp and type, without iat. Returns the same token each time for a user.
     */
    public static String of(String user) {
        return GOOD.computeIfAbsent(user, named -> sign(claims(named)));
    }

    /** The same with groups, which are the roles of the HTTP API. */
    public static String withGroups(String user, String... groups) {
        return GOOD.computeIfAbsent(user + "\n" + String.join("\n", groups), named -> {
            JwtClaims claims = claims(user);
            claims.setStringListClaim("groups", groups);
            return sign(claims);
        });
    }

    public static JwtClaims claims(String user) {
        JwtClaims claims = new JwtClaims();
        claims.setSubject(user);
        claims.setClaim("type", "access");
        claims.setExpirationTimeMinutesInTheFuture(60);
        return claims;
    }

    public static String sign(JwtClaims claims) {
        return sign(claims, AlgorithmIdentifiers.RSA_USING_SHA256, KEY.getPrivate());
    }

    public static String signedByAnotherKey(JwtClaims claims) {
        return sign(claims, AlgorithmIdentifiers.RSA_USING_SHA256, OTHER_KEY.getPrivate());
    }

    public static String signedByNoKey(JwtClaims claims) {
        return sign(claims, AlgorithmIdentifiers.NONE, null);
    }

    /** Forges a token by using the public key as the secret of a symmetric algorithm. */
    public static String signedWithThePublicKeyAsSecret(JwtClaims claims) {
        return sign(
                claims,
                AlgorithmIdentifiers.HMAC_SHA256,
                new SecretKeySpec(publicKeyPem().getBytes(StandardCharsets.US_ASCII), "HmacSHA256"));
    }

    public static String signedWithSecret(JwtClaims claims, String secret) {
        return sign(
                claims,
                AlgorithmIdentifiers.HMAC_SHA256,
                new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
    }

    /** A key for key servers. */
    public record NamedKey(@Nullable String id, KeyPair pair, String algorithm) {

        public static NamedKey rsa(@Nullable String id) {
            return new NamedKey(id, RsaKeys.next(), AlgorithmIdentifiers.RSA_USING_SHA256);
        }

        /** Returns a key of 1024 bits, which are too few. */
        public static NamedKey weakRsa(@Nullable String id) {
            return new NamedKey(id, keyPair("RSA", 1024), AlgorithmIdentifiers.RSA_USING_SHA256);
        }

        /** Returns the key with another id, or none. */
        public NamedKey as(@Nullable String otherId) {
            return new NamedKey(otherId, pair, algorithm);
        }

        public static NamedKey ellipticCurve(String id) {
            return new NamedKey(id, keyPair("EC", 256), AlgorithmIdentifiers.ECDSA_USING_P256_CURVE_AND_SHA256);
        }

        /** Signs a token. */
        public String sign(JwtClaims claims) {
            return Tokens.sign(claims, algorithm, pair.getPrivate(), id);
        }

        /** Returns a file with the public key. */
        public Path publicKeyFile() {
            return file("key-" + id + ".pem", pem(pair));
        }
    }

    /** Returns the JWKS of these keys. */
    public static String jwks(NamedKey... keys) {
        return Arrays.stream(keys).map(Tokens::jwk).collect(Collectors.joining(",", "{\"keys\":[", "]}"));
    }

    /** Returns a valid token with the id of a key in {@link #jwks}. */
    public static String withKeyId() {
        return sign(claims("7"), AlgorithmIdentifiers.RSA_USING_SHA256, KEY.getPrivate(), "one");
    }

    /** Returns the JWKS of the key of valid tokens. */
    public static String jwks() {
        return jwks(new NamedKey("one", KEY, AlgorithmIdentifiers.RSA_USING_SHA256));
    }

    private static String jwk(NamedKey named) {
        try {
            PublicJsonWebKey key =
                    PublicJsonWebKey.Factory.newPublicJwk(named.pair().getPublic());
            if (named.id() != null) {
                key.setKeyId(named.id());
            }
            key.setUse("sig");
            key.setAlgorithm(named.algorithm());
            return key.toJson();
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Returns the file with the key that verifies valid tokens. It is written once, because pods may read it at any
     * time.
     */
    public static Path publicKeyFile() {
        return KEY_FILE;
    }

    /** A key for programs that sign tokens themselves, whose libraries would refuse one of {@link RsaKeys}. */
    private static final class Issuer {
        private static final KeyPair KEY = keyPair("RSA", 2048);
        private static final Path PUBLIC = file("issuer.pem", pem(KEY));
        private static final Path PRIVATE =
                file("privatekey.pem", pem("PRIVATE KEY", KEY.getPrivate().getEncoded()));
    }

    /** Returns the file with the private key that programs sign tokens with. */
    public static Path privateKeyFile() {
        return Issuer.PRIVATE;
    }

    /** Returns the file with the key that verifies such tokens. */
    public static Path issuerKeyFile() {
        return Issuer.PUBLIC;
    }

    private static Path file(String name, String content) {
        try {
            return Files.writeString(Fork.file(name), content).toAbsolutePath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String publicKeyPem() {
        return pem(KEY);
    }

    private static String pem(KeyPair pair) {
        return pem("PUBLIC KEY", pair.getPublic().getEncoded());
    }

    private static String pem(String what, byte[] content) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder().encodeToString(content)
                + "\n-----END " + what + "-----\n";
    }

    private static String sign(JwtClaims claims, String algorithm, @Nullable Key key) {
        return sign(claims, algorithm, key, null);
    }

    private static String sign(JwtClaims claims, String algorithm, @Nullable Key key, @Nullable String keyId) {
        try {
            JsonWebSignature token = new JsonWebSignature();
            token.setAlgorithmConstraints(AlgorithmConstraints.NO_CONSTRAINTS);
            token.setAlgorithmHeaderValue(algorithm);
            if (keyId != null) {
                token.setKeyIdHeaderValue(keyId);
            }
            token.setPayload(claims.toJson());
            if (key instanceof PrivateKey privateKey && algorithm.equals(AlgorithmIdentifiers.RSA_USING_SHA256)) {
                String content = token.getHeaders().getEncodedHeader() + "." + token.getEncodedPayload();
                byte[] signature = RsaKeys.sign(privateKey, content);
                if (signature != null) {
                    return content + "."
                            + Base64.getUrlEncoder().withoutPadding().encodeToString(signature);
                }
            }
            token.setKey(key);
            token.setDoKeyValidation(false);
            return token.getCompactSerialization();
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KeyPair keyPair(String algorithm, int bits) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
            generator.initialize(bits);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
