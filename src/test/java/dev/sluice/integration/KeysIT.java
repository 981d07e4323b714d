package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import dev.sluice.harness.Tokens.NamedKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Tests the kinds of keys that verify tokens, their sources, and their rotation. */
@Order(1)
@Execution(ExecutionMode.CONCURRENT)
class KeysIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final String LOCATION = "mp.jwt.verify.publickey.location";

    @Test
    void sharedSecretVerifiesTokensAndIsLoggedAsWeakIfShort() {
        String secret = "31 bytes of a secret, one short";
        Map<String, String> config = Map.of(
                LOCATION, "NONE", "smallrye.jwt.verify.secretkey", secret, "smallrye.jwt.verify.algorithm", "HS256");
        try (Pod pod = Pod.ready(STAGE.redis(), config)) {
            try (Client client = Client.connect(pod.webSocket("/ws"))) {
                client.authenticate(Tokens.signedWithSecret(Tokens.claims("7"), secret));
                assertThat(client.next()).contains("auth_success");
            }
            assertRefused(4003, Client.connect(pod.webSocket("/ws")).authenticate(Tokens.of("7")));
            String other = "another secret, which is as long as the first one is";
            assertRefused(
                    4003,
                    Client.connect(pod.webSocket("/ws"))
                            .authenticate(Tokens.signedWithSecret(Tokens.claims("7"), other)));
            pod.awaitLog("smallrye.jwt.verify.secretkey has 31 bytes");
            assertThat(pod.log()).doesNotContain(secret);
        }
    }

    @Tag("long")
    @Test
    void ellipticCurveKeyVerifiesTokens() {
        NamedKey key = NamedKey.ellipticCurve("curve");
        Map<String, String> config =
                Map.of(LOCATION, key.publicKeyFile().toString(), "mp.jwt.verify.publickey.algorithm", "ES256");
        try (Pod pod = Pod.ready(STAGE.redis(), config)) {
            assertAccepted(pod, key.sign(Tokens.claims("7")));
            assertRefused(
                    4003,
                    Client.connect(pod.webSocket("/ws"))
                            .authenticate(NamedKey.ellipticCurve("curve").sign(Tokens.claims("7"))));
            assertRefused(4003, Client.connect(pod.webSocket("/ws")).authenticate(Tokens.of("7")));
        }
    }

    @Tag("long")
    @Test
    void addedKeyIsAcceptedWithoutARestart() {
        NamedKey first = NamedKey.rsa("first");
        NamedKey second = NamedKey.rsa("second");
        NamedKey third = NamedKey.rsa("third");
        NamedKey forged = NamedKey.rsa("forged");
        try (Backend keys = new Backend()) {
            keys.says(Tokens.jwks(first));
            try (Pod pod = Pod.ready(STAGE.redis(), Map.of(LOCATION, keys.url(), "sluice.auth.timeout", "5s"))) {
                assertAccepted(pod, first.sign(Tokens.claims("7")));
                assertAccepted(pod, first.sign(Tokens.claims("8")));
                assertThat(keys.requests()).hasSize(1);

                keys.says(Tokens.jwks(first, second));
                assertAccepted(pod, second.sign(Tokens.claims("7")));
                assertThat(keys.requests()).as("at once").hasSize(2);

                long start = System.nanoTime();
                for (int i = 0; i < 5; i++) {
                    assertThat(Client.outcome(pod, forged.sign(Tokens.claims("7"))))
                            .isIn(1013, 4003);
                }
                // At most every five seconds.
                int more = 1 + (int) TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start) / 5;
                assertThat(keys.requests()).as("not for each").hasSizeLessThanOrEqualTo(2 + more);
                await().until(() -> failures(pod, "undecided") > 0);
                assertThat(failures(pod, "unavailable")).isZero();

                keys.says(Tokens.jwks(third));
                await("the next time").until(() -> {
                    int outcome = Client.outcome(pod, third.sign(Tokens.claims("7")));
                    assertThat(outcome).isNotEqualTo(4003);
                    return outcome == 0;
                });
                assertThat(keys.requests()).hasSizeLessThanOrEqualTo(3 + more);
                await("the key is gone, as the next fetch tells").until(() -> {
                    return Client.outcome(pod, first.sign(Tokens.claims("7"))) == 4003;
                });
                NamedKey weak = NamedKey.weakRsa("weak");
                keys.says(Tokens.jwks(weak));
                await("the next time").until(() -> Client.outcome(pod, weak.sign(Tokens.claims("7"))) == 0);
                pod.awaitLog("an RSA key of 1024 bits");
            }
        }
    }

    @Test
    void unreachableKeyServerDoesNotRefuseTheToken() {
        NamedKey first = NamedKey.rsa("first");
        NamedKey second = NamedKey.rsa("second");
        try (Backend keys = new Backend()) {
            keys.hang();
            keys.answers(503);
            try (Pod pod = Pod.ready(STAGE.redis(), Map.of(LOCATION, keys.url(), "sluice.auth.timeout", "8s"))) {
                assertNotForEver(pod, first);
                keys.goOn();
                assertNotNow(pod, first);
                keys.says(Tokens.jwks(first));
                Map<String, String> bearer = Map.of("Authorization", "Bearer " + first.sign(Tokens.claims("7")));
                await("keys").ignoreException(CompletionException.class).until(() -> {
                    Client.connect(pod.webSocket("/ws"), bearer).close();
                    return true;
                });
                keys.hang();
                assertNotNow(pod, second);
                assertAccepted(pod, first.sign(Tokens.claims("7")));
            }
        }
    }

    @Tag("long")
    @Test
    void keySetInAFileVerifiesTokensWithoutKeyIdAndLogsAWeakKey() throws IOException {
        NamedKey first = NamedKey.rsa("first");
        NamedKey second = NamedKey.rsa("second");
        NamedKey weak = NamedKey.weakRsa("weak");
        Path file = Files.writeString(Fork.file("keys.json").toAbsolutePath(), Tokens.jwks(first, second, weak));
        try (Pod pod = Pod.ready(STAGE.redis(), Map.of(LOCATION, file.toString()))) {
            assertAccepted(pod, second.as(null).sign(Tokens.claims("7")));
            assertAccepted(pod, second.sign(Tokens.claims("7")));
            assertRefused(
                    4003,
                    Client.connect(pod.webSocket("/ws"))
                            .authenticate(first.as("second").sign(Tokens.claims("7"))));
            await().until(() -> failures(pod, "signature") == 1);
            assertThat(pod.log()).contains("an RSA key of 1024 bits");
        }
    }

    /** Asserts that a client that sends too much while the pod fetches keys is closed. */
    private static void assertNotForEver(Pod pod, NamedKey key) {
        try (Client client = Client.connect(pod.webSocket("/ws")).authenticate(key.sign(Tokens.claims("7")))) {
            for (int i = 0; i < 65; i++) {
                client.send("{\"action\":\"ping\"}");
            }
            assertThat(client.closeCode()).isEqualTo(4029);
        }
        await().until(() -> failures(pod, "flood") == 1);
    }

    private static void assertNotNow(Pod pod, NamedKey key) {
        double failures = failures(pod, "unavailable");
        String token = key.sign(Tokens.claims("7"));
        try (Client client = Client.connect(pod.webSocket("/ws")).authenticate(token)) {
            assertThat(client.closeCode()).isEqualTo(1013);
            assertThat(client.hasHeardAnything()).isFalse();
        }
        assertThat(Client.refusal(pod.webSocket("/ws"), Map.of("Authorization", "Bearer " + token)))
                .isEqualTo(503);
        await().until(() -> failures(pod, "unavailable") == failures + 2);
    }

    private static double failures(Pod pod, String reason) {
        return pod.metric("sluice_auth_failures_total{reason=\"" + reason + "\"}");
    }

    private static void assertAccepted(Pod pod, String token) {
        try (Client client = Client.connect(pod.webSocket("/ws")).authenticate(token)) {
            assertThat(client.next()).contains("auth_success");
        }
    }

    private static void assertRefused(int code, Client client) {
        try (client) {
            assertThat(client.next()).startsWith("{\"action\":\"auth_error\",\"message\":\"");
            assertThat(client.closeCode()).isEqualTo(code);
        }
    }
}
