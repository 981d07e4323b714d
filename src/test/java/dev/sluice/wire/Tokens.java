package dev.sluice.wire;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.Base64;
import javax.crypto.spec.SecretKeySpec;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.lang.JoseException;

/** Mints good tokens and forges bad ones. */
final class Tokens {

    private static final KeyPair KEY = keyPair();
    private static final KeyPair OTHER_KEY = keyPair();

    private Tokens() {}

    /** A token as the backend makes them: no iat, an exp, the type. */
    static String of(String user) {
        return sign(claims(user));
    }

    /** The same with groups, which are the roles over HTTP. */
    static String withGroups(String user, String... groups) {
        JwtClaims claims = claims(user);
        claims.setStringListClaim("groups", groups);
        return sign(claims);
    }

    static JwtClaims claims(String user) {
        JwtClaims claims = new JwtClaims();
        claims.setSubject(user);
        claims.setClaim("type", "access");
        claims.setExpirationTimeMinutesInTheFuture(10);
        return claims;
    }

    static String sign(JwtClaims claims) {
        return sign(claims, AlgorithmIdentifiers.RSA_USING_SHA256, KEY.getPrivate());
    }

    static String signedByAnotherKey(JwtClaims claims) {
        return sign(claims, AlgorithmIdentifiers.RSA_USING_SHA256, OTHER_KEY.getPrivate());
    }

    static String signedByNoKey(JwtClaims claims) {
        return sign(claims, AlgorithmIdentifiers.NONE, null);
    }

    /** The classic forgery: the public key, which everybody may know, used as the secret of a symmetric algorithm. */
    static String signedWithThePublicKeyAsSecret(JwtClaims claims) {
        return sign(
                claims,
                AlgorithmIdentifiers.HMAC_SHA256,
                new SecretKeySpec(publicKeyPem().getBytes(StandardCharsets.US_ASCII), "HmacSHA256"));
    }

    static String signedWithSecret(JwtClaims claims, String secret) {
        return sign(
                claims,
                AlgorithmIdentifiers.HMAC_SHA256,
                new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
    }

    /** A good token that says which key of {@link #jwks} has signed it. */
    static String withKeyId() {
        try {
            JsonWebSignature token = new JsonWebSignature();
            token.setAlgorithmHeaderValue(AlgorithmIdentifiers.RSA_USING_SHA256);
            token.setKeyIdHeaderValue("one");
            token.setPayload(claims("7").toJson());
            token.setKey(KEY.getPrivate());
            return token.getCompactSerialization();
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What a key server says. */
    static String jwks() {
        try {
            PublicJsonWebKey key = PublicJsonWebKey.Factory.newPublicJwk(KEY.getPublic());
            key.setKeyId("one");
            key.setUse("sig");
            key.setAlgorithm("RS256");
            return "{\"keys\":[" + key.toJson() + "]}";
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A file with the key that verifies good tokens. */
    static Path publicKeyFile() {
        try {
            return Files.writeString(Path.of("target", "test-public-key.pem"), publicKeyPem())
                    .toAbsolutePath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String publicKeyPem() {
        return "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder().encodeToString(KEY.getPublic().getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
    }

    private static String sign(JwtClaims claims, String algorithm, Key key) {
        try {
            JsonWebSignature token = new JsonWebSignature();
            token.setAlgorithmConstraints(AlgorithmConstraints.NO_CONSTRAINTS);
            token.setAlgorithmHeaderValue(algorithm);
            token.setPayload(claims.toJson());
            token.setKey(key);
            token.setDoKeyValidation(false);
            return token.getCompactSerialization();
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KeyPair keyPair() {
        try {
            return KeyPairGenerator.getInstance("RSA").generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
