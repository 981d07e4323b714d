package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.harness.RsaKeys;
import io.smallrye.jwt.algorithm.SignatureAlgorithm;
import java.io.IOException;
import java.security.KeyPair;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jose4j.jwk.EcJwkGenerator;
import org.jose4j.jwk.JsonWebKey.OutputControlLevel;
import org.jose4j.jwk.OctJwkGenerator;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jwk.RsaJwkGenerator;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.keys.EllipticCurves;
import org.jose4j.keys.HmacKey;
import org.jose4j.lang.JoseException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Execution(ExecutionMode.CONCURRENT)
class KeySetTest {

    private static final PublicJsonWebKey ONE = rsa("one");
    private static final PublicJsonWebKey TWO = rsa("two");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "<html></html>",
                "null",
                "[]",
                "7",
                "{}",
                "{\"keys\":null}",
                "{\"keys\":{}}",
                "{\"keys\":\"secret\"}",
                "{\"keys\":[]}",
                "{\"keys\":[7,\"secret\",null]}",
                "{\"keys\":[{}]}",
                "{\"keys\":[{\"kty\":\"weird\"}]}",
                "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"secret\"}]}",
                "{\"keys\":[{\"kty\":\"oct\",\"use\":\"enc\",\"k\":\"c2VjcmV0\"}]}",
                "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0",
                "{\"kty\":\"RSA\"}",
                "-----BEGIN PUBLIC KEY-----\nsecret\n-----END PUBLIC KEY-----"
            })
    void documentWithoutKeyIsAFailureThatQuotesNothing(String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(IOException.class)
                .message()
                .doesNotContain("secret", "c2Vj");
    }

    @Test
    void deeplyNestedJsonIsAFailure() {
        assertThatThrownBy(() -> parse("{\"keys\":" + "[".repeat(200_000))).isInstanceOf(IOException.class);
    }

    @Test
    void singleKeysAndKeysInPemAreRead() throws Exception {
        assertThat(parse(ONE.toJson()).signerOf(token(ONE, null), null)).isEqualTo(ONE.getPublicKey());
        String pem = "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder().encodeToString(ONE.getPublicKey().getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
        assertThat(parse(pem).signerOf(token(ONE, "any"), "any")).isEqualTo(ONE.getPublicKey());
    }

    @Test
    void namedKeyVerifiesTheToken() throws Exception {
        KeySet keys = parse(jwks(ONE, TWO));
        assertThat(keys.signerOf(token(TWO, "two"), "two")).isEqualTo(TWO.getPublicKey());
        assertThat(keys.signerOf(token(TWO, "one"), "one")).isNull();
        assertThat(keys.signerOf(token(TWO, "three"), "three")).isNull();
    }

    @Test
    void tokenWithoutIdIsTriedWithEveryKey() throws Exception {
        assertThat(parse(jwks(ONE, TWO)).signerOf(token(TWO, null), null)).isEqualTo(TWO.getPublicKey());
        assertThat(parse(jwks(ONE)).signerOf(token(TWO, null), null)).isNull();
    }

    @Test
    void keyForEncryptionOrAnotherAlgorithmIsNotUsed() throws Exception {
        PublicJsonWebKey encrypts = rsa("one");
        encrypts.setUse("enc");
        PublicJsonWebKey other = rsa("one");
        other.setAlgorithm(AlgorithmIdentifiers.RSA_USING_SHA512);
        KeySet keys = parse(jwks(encrypts, other, ONE));
        assertThat(keys.signerOf(token(encrypts, "one"), "one")).isNull();
        assertThat(keys.signerOf(token(other, "one"), "one")).isNull();
        assertThat(keys.signerOf(token(ONE, "one"), "one")).isEqualTo(ONE.getPublicKey());
    }

    @Test
    void publicKeyIsNotUsedAsASecret() throws Exception {
        JsonWebSignature forged = new JsonWebSignature();
        forged.setAlgorithmHeaderValue(AlgorithmIdentifiers.HMAC_SHA256);
        forged.setPayload("{}");
        forged.setKey(new HmacKey(ONE.getPublicKey().getEncoded()));
        assertThat(parse(jwks(ONE)).signerOf(received(forged), null)).isNull();
    }

    @Test
    void namedKeyIsTriedBeforeManyUnnamedKeys() throws Exception {
        PublicJsonWebKey unnamed = rsa(null);
        KeySet keys = parse("{\"keys\":["
                + String.join(",", Collections.nCopies(KeySet.MAX_TRIED + 1, unnamed.toJson())) + "," + TWO.toJson()
                + "]}");
        assertThat(keys.size()).isEqualTo(KeySet.MAX_TRIED + 2);
        assertThat(keys.unnamed()).isEqualTo(KeySet.MAX_TRIED + 1);
        assertThat(keys.signerOf(token(TWO, "two"), "two")).isEqualTo(TWO.getPublicKey());
        assertThat(keys.signerOf(token(TWO, null), null)).as("not tried").isNull();
    }

    @Test
    void unnamedKeyIsTriedFirstForATokenWithoutKeyId() throws Exception {
        PublicJsonWebKey unnamed = rsa(null);
        KeySet keys = parse("{\"keys\":[" + String.join(",", Collections.nCopies(KeySet.MAX_TRIED, ONE.toJson())) + ","
                + unnamed.toJson() + "]}");
        assertThat(keys.signerOf(token(unnamed, null), null)).isEqualTo(unnamed.getPublicKey());
    }

    @Test
    void pemKeyWorksForEveryAcceptedAlgorithm() throws Exception {
        String pem = "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder().encodeToString(ONE.getPublicKey().getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
        Set<SignatureAlgorithm> accepted =
                new LinkedHashSet<>(List.of(SignatureAlgorithm.ES256, SignatureAlgorithm.RS256));
        assertThat(KeySet.parse(pem, accepted).signerOf(token(ONE, null), null)).isEqualTo(ONE.getPublicKey());
    }

    @Test
    void malformedSignatureMatchesNoKey() throws Exception {
        PublicJsonWebKey curve = EcJwkGenerator.generateJwk(EllipticCurves.P256);
        JsonWebSignature token = new JsonWebSignature();
        token.setAlgorithmHeaderValue(AlgorithmIdentifiers.ECDSA_USING_P256_CURVE_AND_SHA256);
        token.setPayload("{}");
        token.setKey(curve.getPrivateKey());
        String good = token.getCompactSerialization();
        KeySet keys = KeySet.parse(jwks(curve), Set.of(SignatureAlgorithm.ES256));
        for (String signature : new String[] {"", "AA", "AAAA"}) {
            JsonWebSignature malformed = (JsonWebSignature)
                    JsonWebSignature.fromCompactSerialization(good.substring(0, good.lastIndexOf('.') + 1) + signature);
            assertThat(keys.signerOf(malformed, null)).isNull();
        }
    }

    @Test
    void shortKeysAreWeak() throws Exception {
        assertThat(parse(jwks(ONE)).weak()).isEmpty();
        assertThat(parse(jwks(RsaJwkGenerator.generateJwk(1024))).weak())
                .singleElement()
                .asString()
                .contains("RSA", "1024");
        String secret = OctJwkGenerator.generateJwk(128).toJson(OutputControlLevel.INCLUDE_SYMMETRIC);
        assertThat(parse(secret).weak()).singleElement().asString().contains("16 bytes");
    }

    private static KeySet parse(String text) throws IOException {
        return KeySet.parse(text, Set.of(SignatureAlgorithm.RS256));
    }

    private static String jwks(PublicJsonWebKey... keys) {
        return Arrays.stream(keys)
                .map(key -> key.toJson(OutputControlLevel.PUBLIC_ONLY))
                .collect(Collectors.joining(",", "{\"keys\":[", "]}"));
    }

    private static JsonWebSignature token(PublicJsonWebKey key, @Nullable String id) throws JoseException {
        JsonWebSignature token = new JsonWebSignature();
        token.setAlgorithmHeaderValue(AlgorithmIdentifiers.RSA_USING_SHA256);
        if (id != null) {
            token.setKeyIdHeaderValue(id);
        }
        token.setPayload("{}");
        token.setKey(key.getPrivateKey());
        return received(token);
    }

    private static JsonWebSignature received(JsonWebSignature token) throws JoseException {
        return (JsonWebSignature) JsonWebSignature.fromCompactSerialization(token.getCompactSerialization());
    }

    private static PublicJsonWebKey rsa(@Nullable String id) {
        try {
            KeyPair pair = RsaKeys.next();
            PublicJsonWebKey key = PublicJsonWebKey.Factory.newPublicJwk(pair.getPublic());
            key.setPrivateKey(pair.getPrivate());
            key.setKeyId(id);
            return key;
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }
}
