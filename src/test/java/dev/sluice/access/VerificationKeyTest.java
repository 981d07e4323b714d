package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.harness.RsaKeys;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.jwt.KeyProvider;
import io.smallrye.jwt.algorithm.SignatureAlgorithm;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jose4j.jwk.EcJwkGenerator;
import org.jose4j.jwk.JsonWebKey.OutputControlLevel;
import org.jose4j.jwk.OctJwkGenerator;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.keys.EllipticCurves;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VerificationKeyTest {

    private final JWTAuthContextInfo info = new JWTAuthContextInfo();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "not a key",
                "{\"keys\":[]}",
                "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"",
                "{\"keys\":[{\"kty\":\"weird\"}]}",
                "{\"keys\":[{\"kty\":\"oct\",\"use\":\"enc\",\"k\":\"c2VjcmV0\"}]}",
                "{}",
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
                "-----BEGIN PUBLIC KEY-----\nAAAA"
            })
    void contentWithoutAKeyFailsTheStart(String content) {
        info.setPublicKeyContent(content);
        assertThatThrownBy(() -> VerificationKey.check(info))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("can't be read", "mp.jwt.verify.publickey.location");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"keys\":[]}", "{\"kty\":\"oct\",\"k\":\"c2Vj", "eyJrdHkiOiJvY3Qi"})
    void secretThatIsABrokenJwkFailsTheStart(String secret) {
        info.setSignatureAlgorithm(Set.of(SignatureAlgorithm.HS256));
        info.setSecretKeyContent(secret);
        assertThatThrownBy(() -> VerificationKey.check(info))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("can't be read", "smallrye.jwt.verify.secretkey");
    }

    @ParameterizedTest
    @ValueSource(strings = {"any text is a secret", "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}"})
    void secretWithoutItsAlgorithmFailsTheStart(String secret) {
        info.setSecretKeyContent(secret);
        assertThatThrownBy(() -> VerificationKey.check(info))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("smallrye.jwt.verify.secretkey", "smallrye.jwt.verify.algorithm=HS256")
                .hasMessageNotContaining(secret);
    }

    @Test
    void setWithoutAKeyForTheAlgorithmFailsTheStart() throws Exception {
        info.setPublicKeyContent(
                "{\"keys\":[" + EcJwkGenerator.generateJwk(EllipticCurves.P256).toJson() + "]}");
        assertThatThrownBy(() -> VerificationKey.check(info))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("not a key that verifies RS256", "mp.jwt.verify.publickey.algorithm");
        info.setSignatureAlgorithm(Set.of(SignatureAlgorithm.ES256));
        assertThatCode(() -> VerificationKey.check(info)).doesNotThrowAnyException();
    }

    @Test
    void onlyOneKeyMayBeSet() {
        String location = "mp.jwt.verify.publickey.location";
        String secret = "smallrye.jwt.verify.secretkey";
        assertThatThrownBy(() ->
                        VerificationKey.checkOnlyOne(setting(Map.of(location, "/etc/key.pem", secret, "the secret"))))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("Both " + secret + " and " + location + " are set")
                .hasMessageNotContaining("the secret");
        assertThatThrownBy(() -> VerificationKey.checkOnlyOne(
                        setting(Map.of("mp.jwt.verify.publickey", "-----BEGIN", location, "/etc/key.pem"))))
                .hasMessageStartingWith("Both mp.jwt.verify.publickey and " + location);
        assertThatCode(() -> VerificationKey.checkOnlyOne(setting(Map.of(location, "NONE", secret, "the secret"))))
                .doesNotThrowAnyException();
        assertThatCode(() -> VerificationKey.checkOnlyOne(setting(Map.of()))).doesNotThrowAnyException();
    }

    @Test
    void secretInDevModeNeedsAnotherSetting() {
        Map<String, String> generated = Map.of("mp.jwt.verify.publickey", "MIIB", "smallrye.jwt.sign.key", "MIIE");
        assertThatCode(() -> VerificationKey.checkOnlyOne(setting(generated))).doesNotThrowAnyException();
        Map<String, String> both = new HashMap<>(generated);
        both.put("smallrye.jwt.verify.secretkey", "the secret");
        assertThatThrownBy(() -> VerificationKey.checkOnlyOne(setting(both)))
                .hasMessageStartingWith("smallrye.jwt.verify.secretkey is set, but dev mode")
                .hasMessageContaining("mp.jwt.verify.publickey.location=NONE");
    }

    private static Function<String, Optional<String>> setting(Map<String, String> settings) {
        return key -> Optional.ofNullable(settings.get(key));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nowhere/key.pem", "key.pem", "keys/public-key.json", "file:///nowhere/key.pem"})
    void pathsAndUrlsMayBeLogged(String location) {
        assertThat(VerificationKey.isPrintable(location)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
                "-----BEGIN PRIVATE KEY-----",
                "/nowhere/key.pem\nMIIE",
                "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw/gSjAgEAAoIBAQ",
                "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}",
                "https://user:password@nowhere/key.pem",
                "c2VjcmV0"
            })
    void whatMayBeAKeyIsNotLogged(String location) {
        assertThat(VerificationKey.isPrintable(location)).isFalse();
        assertThat(VerificationKey.isPrintable("a".repeat(200) + ".pem")).isFalse();
    }

    @Test
    void readableKeysAndSecretsAreAccepted() throws Exception {
        info.setPublicKeyContent("{\"keys\":["
                + PublicJsonWebKey.Factory.newPublicJwk(RsaKeys.next().getPublic())
                        .toJson() + "]}");
        assertThatCode(() -> VerificationKey.check(info)).doesNotThrowAnyException();
        JWTAuthContextInfo shared = new JWTAuthContextInfo();
        shared.setSignatureAlgorithm(Set.of(SignatureAlgorithm.HS256));
        shared.setSecretKeyContent(OctJwkGenerator.generateJwk(256).toJson(OutputControlLevel.INCLUDE_SYMMETRIC));
        assertThatCode(() -> VerificationKey.check(shared)).doesNotThrowAnyException();
        shared.setSecretKeyContent("any text is a secret");
        assertThatCode(() -> VerificationKey.check(shared)).doesNotThrowAnyException();
    }

    @Test
    void unsupportedSettingFailsTheStart() {
        info.setPublicKeyLocation("https://localhost/jwks.json");
        info.setKeyProvider(KeyProvider.AWS_ALB);
        assertThatThrownBy(() -> VerificationKey.check(info)).hasMessageContaining("smallrye.jwt.verify.key-provider");
        info.setKeyProvider(KeyProvider.DEFAULT);
        info.setVerifyCertificateThumbprint(true);
        assertThatThrownBy(() -> VerificationKey.check(info))
                .hasMessageContaining("smallrye.jwt.verify.certificateThumbprint");
    }

    @Test
    void unreadableCertificateOfTheKeyServerIsAnError(@TempDir Path folder) {
        Vertx vertx = Vertx.vertx();
        try {
            info.setPublicKeyLocation("https://localhost/jwks.json");
            info.setTlsCertificatePath(folder.resolve("missing.pem").toString());
            assertUnreadable(vertx);
            info.setTlsCertificatePath(null);
            info.setTlsCertificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
            assertUnreadable(vertx);
            info.setTlsCertificate("rubbish");
            assertUnreadable(vertx);
        } finally {
            vertx.close();
        }
    }

    private void assertUnreadable(Vertx vertx) {
        assertThatThrownBy(() -> new ServerKeys(vertx, info))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("smallrye.jwt.client.tls.certificate");
    }

    @Test
    void enormousDurationsAreAccepted() {
        Vertx vertx = Vertx.vertx();
        try {
            info.setPublicKeyLocation("https://localhost/jwks.json");
            info.setJwksRefreshInterval(Integer.MAX_VALUE);
            info.setJwksRetainCacheOnErrorDuration(Integer.MAX_VALUE);
            assertThatCode(() -> new ServerKeys(vertx, info)).doesNotThrowAnyException();
        } finally {
            vertx.close();
        }
    }
}
