package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Order(2)
class AuthenticationIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final Map<String, String> ISSUER_AND_AUDIENCE =
            Map.of("mp.jwt.verify.issuer", "us", "mp.jwt.verify.audiences", "sluice");

    @Test
    void validTokenIsAnsweredWithTheUser() {
        try (Client client = connect().authenticate(Tokens.of("7"))) {
            assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
            STAGE.redis().publish("user:7", "hello");
            assertThat(client.next()).isEqualTo("hello");
        }
    }

    @Test
    void userIsTheSubClaim() {
        JwtClaims claims = Tokens.claims("a:ü\"7");
        claims.setClaim("upn", "somebody else");
        claims.setClaim("preferred_username", "somebody else");
        try (Client client = connect().authenticate(Tokens.sign(claims))) {
            assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"a:ü\\\"7\"}");
            STAGE.redis().publish("user:a:ü\"7", "hello");
            assertThat(client.next()).isEqualTo("hello");
        }
    }

    static Stream<Arguments> goodClaims() {
        return Stream.of(
                claims("with iat", JwtClaims::setIssuedAtToNow),
                claims("without type", claims -> claims.unsetClaim("type")),
                claims("expired within the skew", claims -> claims.setClaim("exp", now() - 1)),
                claims("with roles", claims -> claims.setStringListClaim("groups", "operator")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("goodClaims")
    void validTokensOfEveryKindAreAccepted(String name, Consumer<JwtClaims> change) {
        try (Client client = connect().authenticate(Tokens.sign(changed(change)))) {
            assertThat(client.next()).contains("auth_success");
        }
    }

    static Stream<Arguments> badClaims() {
        return Stream.of(
                claims("expired", claims -> claims.setClaim("exp", now() - 10)),
                claims("without exp", claims -> claims.unsetClaim("exp")),
                claims("without sub", claims -> claims.unsetClaim("sub")),
                claims("empty sub", claims -> claims.setSubject("")),
                claims("sub too long", claims -> claims.setSubject("x".repeat(257))),
                claims("not yet valid", claims -> claims.setClaim("nbf", now() + 300)),
                claims("refresh token", claims -> claims.setClaim("type", "refresh")),
                claims("groups of another kind", claims -> claims.setClaim("groups", Map.of("a", 1))),
                claims("type of another kind", claims -> claims.setClaim("type", 7)));
    }

    @Test
    void authErrorNamesTheReason() {
        try (Client client =
                connect().authenticate(Tokens.sign(changed(claims -> claims.setClaim("exp", now() - 10))))) {
            assertThat(client.next()).contains("expired");
        }
        try (Client client = connect().authenticate(Tokens.signedByAnotherKey(Tokens.claims("7")))) {
            assertThat(client.next()).contains("signature");
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badClaims")
    void badTokensAreRefused(String name, Consumer<JwtClaims> change) {
        assertRefused(4003, connect().authenticate(Tokens.sign(changed(change))));
    }

    static Stream<Arguments> forgeries() {
        JwtClaims claims = Tokens.claims("7");
        String good = Tokens.sign(claims);
        return Stream.of(
                Arguments.of("other key", Tokens.signedByAnotherKey(claims)),
                Arguments.of("alg none", Tokens.signedByNoKey(claims)),
                Arguments.of("public key as secret", Tokens.signedWithThePublicKeyAsSecret(claims)),
                Arguments.of("no signature", good.substring(0, good.lastIndexOf('.') + 1)),
                Arguments.of("signature of another", good.substring(0, good.length() - 8) + "AAAAAAAA"),
                Arguments.of("claims of another", withClaimsOf(good, Tokens.of("8"))),
                Arguments.of("no token at all", "nonsense"),
                Arguments.of("dots", ".."));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("forgeries")
    void forgedTokensAreRefused(String name, String token) {
        assertRefused(4003, connect().authenticate(token));
        assertThat(Client.refusal(STAGE.pod().webSocket("/ws"), Map.of("Authorization", "Bearer " + token)))
                .isEqualTo(401);
    }

    @Test
    void silentClientIsClosedWith4001() {
        assertRefused(4001, connect());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"type\":\"auth\"}",
                "{\"type\":\"auth\",\"token\":7}",
                "{\"action\":\"ping\"}",
                "{\"action\":\"ping\",\"id\":1}",
                "{\"action\":\"subscribe_upload\",\"upload_id\":\"42\"}"
            })
    void otherFirstObjectIsClosedWith4002(String first) {
        assertRefused(4002, connect().send(first));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "[]", "\"auth\"", "{", "{}{}"})
    void firstMessageThatIsNotJsonIsClosedWithoutAuthError(String first) {
        try (Client client = connect().send(first)) {
            assertThat(client.closeCode()).isEqualTo(4004);
            assertThat(client.hasHeardAnything()).isFalse();
        }
    }

    @Test
    void firstBinaryMessageIsClosedWithoutAuthError() {
        try (Client client = connect().send("{\"type\":\"auth\"}".getBytes(StandardCharsets.UTF_8))) {
            assertThat(client.closeCode()).isEqualTo(4004);
            assertThat(client.hasHeardAnything()).isFalse();
        }
    }

    @Test
    void messagesAfterTheAuthMessageAreProcessedInOrder() {
        try (Client client = connect()) {
            client.authenticate(Tokens.of("7"));
            for (int i = 0; i < 60; i++) {
                client.send("{\"action\":\"subscribe_upload\",\"upload_id\":\"held-" + i + "\"}");
            }
            client.send("{\"action\":\"unsubscribe_upload\",\"upload_id\":\"held-0\"}")
                    .send("nonsense");
            assertThat(client.next()).contains("auth_success");
            for (int i = 0; i < 60; i++) {
                assertThat(client.next())
                        .isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:held-" + i + "\"}");
            }
            assertThat(client.next()).isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"upload:held-0\"}");
            assertThat(client.next()).contains("bad_message");
        }
    }

    @Test
    void upgradeTokenReplacesTheAuthMessage() {
        Map<String, String> bearer = Map.of("Authorization", "Bearer " + Tokens.of("7"));
        try (Client client = Client.connect(STAGE.pod().webSocket("/ws"), bearer)) {
            assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
            String upload = Stage.upload();
            client.subscribe(upload);
            client.authenticate(Tokens.of("7"));
            assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
            client.authenticate(Tokens.of("8"));
            assertThat(client.next()).contains("\"error\"", "\"unauthorized\"");
            client.authenticate("nonsense");
            assertThat(client.next()).contains("\"error\"", "\"unauthorized\"");
            STAGE.redis().publish("upload:" + upload, "still here");
            assertThat(client.next()).isEqualTo("still here");
        }
    }

    @Test
    void issuerAndAudienceAreCheckedAndRefusalsAreCountedAndLogged() {
        Map<String, String> config = new HashMap<>(ISSUER_AND_AUDIENCE);
        config.put("quarkus.log.category.\"dev.sluice\".level", "DEBUG");
        Map<String, String> tokens = new HashMap<>();
        tokens.put("signature", Tokens.signedByAnotherKey(issued()));
        tokens.put("token", "nonsense");
        tokens.put("expired", with(claims -> claims.setExpirationTimeMinutesInTheFuture(-1)));
        tokens.put("audience", with(claims -> claims.setAudience("others")));
        tokens.put("issuer", with(claims -> claims.setIssuer("others")));
        tokens.put("type", with(claims -> claims.setClaim("type", "refresh")));
        tokens.put("claims", with(claims -> claims.setSubject("")));
        try (Pod pod = Pod.ready(STAGE.redis(), config)) {
            try (Client client = Client.connect(pod.webSocket("/ws")).authenticate(Tokens.sign(issued()))) {
                assertThat(client.next()).contains("auth_success");
            }
            tokens.forEach((reason, token) -> {
                assertRefused(4003, Client.connect(pod.webSocket("/ws")).authenticate(token));
                assertThat(Client.refusal(pod.webSocket("/ws"), bearer(token))).isEqualTo(401);
                pod.awaitMetric("sluice_auth_failures_total{reason=\"" + reason + "\"}", 2);
            });
            for (String forged :
                    List.of(Tokens.signedByNoKey(issued()), Tokens.signedWithThePublicKeyAsSecret(issued()))) {
                assertRefused(4003, Client.connect(pod.webSocket("/ws")).authenticate(forged));
            }
            pod.awaitMetric("sluice_auth_failures_total{reason=\"signature\"}", 4);
            pod.awaitLog(
                    "Token refused: token has expired",
                    "Token refused: token's signature is invalid",
                    "Token refused: token is for another audience",
                    "Token refused: token is of another issuer",
                    "Token refused: token is not an access token",
                    "Token refused: token has no sub claim");
        }
    }

    private static String with(Consumer<JwtClaims> change) {
        JwtClaims claims = issued();
        change.accept(claims);
        return Tokens.sign(claims);
    }

    private static JwtClaims issued() {
        JwtClaims claims = Tokens.claims("7");
        claims.setIssuer("us");
        claims.setAudience("sluice");
        return claims;
    }

    @Test
    void expiredTokenClosesTheConnection() {
        try (Client inBand = connect().authenticate(expiringSoon());
                Client onUpgrade = Client.connect(STAGE.pod().webSocket("/ws"), bearer(expiringSoon()));
                Client refreshed = connect().authenticate(expiringSoon());
                Client refusedToRefresh = connect().authenticate(expiringSoon())) {
            for (Client client : List.of(inBand, onUpgrade, refreshed, refusedToRefresh)) {
                assertThat(client.next()).contains("auth_success");
            }
            refreshed.authenticate(Tokens.of("7"));
            assertThat(refreshed.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
            refusedToRefresh.authenticate(Tokens.of("8"));
            assertThat(refusedToRefresh.next()).contains("\"unauthorized\"");
            for (Client client : List.of(inBand, onUpgrade, refusedToRefresh)) {
                assertThat(client.closeCode()).isEqualTo(4010);
                assertThat(client.hasHeardAnything())
                        .as("auth_error would make old clients stop permanently")
                        .isFalse();
            }
            STAGE.redis().publish("user:7", "still here");
            assertThat(refreshed.next()).isEqualTo("still here");
            await().until(() -> STAGE.pod().disconnects("token_expired") >= 3);
        }
    }

    @Test
    void renewalMayShortenTheExpiry() {
        try (Client client = connect().authenticate(Tokens.of("7"))) {
            assertThat(client.next()).contains("auth_success");
            client.authenticate(expiringSoon());
            assertThat(client.next()).contains("auth_success");
            assertThat(client.closeCode()).isEqualTo(4010);
        }
    }

    /** Returns a token that is valid for seven more seconds, because clocks may differ by 5 s. */
    private static String expiringSoon() {
        return Tokens.sign(changed(claims -> claims.setClaim("exp", now() + 3)));
    }

    private static Map<String, String> bearer(String token) {
        return Map.of("Authorization", "Bearer " + token);
    }

    private static Client connect() {
        return Client.connect(STAGE.pod().webSocket("/ws/uploads"));
    }

    private static void assertRefused(int code, Client client) {
        try (client) {
            assertThat(client.next()).startsWith("{\"action\":\"auth_error\",\"message\":\"");
            assertThat(client.closeCode()).isEqualTo(code);
            assertThat(client.hasHeardAnything()).isFalse();
        }
    }

    private static Arguments claims(String name, Consumer<JwtClaims> change) {
        return Arguments.of(name, change);
    }

    private static JwtClaims changed(Consumer<JwtClaims> change) {
        JwtClaims claims = Tokens.claims("7");
        change.accept(claims);
        return claims;
    }

    private static long now() {
        return System.currentTimeMillis() / 1000;
    }

    private static String withClaimsOf(String token, String other) {
        int claims = token.indexOf('.') + 1;
        int others = other.indexOf('.') + 1;
        return token.substring(0, claims)
                + other.substring(others, other.lastIndexOf('.'))
                + token.substring(token.lastIndexOf('.'));
    }
}
