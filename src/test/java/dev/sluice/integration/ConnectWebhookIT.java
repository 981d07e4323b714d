package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the webhook that decides who may connect. */
@Order(2)
class ConnectWebhookIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final String KEY = "sluice.webhook.connect.url";
    private static final String REFUSED = "sluice_auth_failures_total{reason=\"webhook\"}";
    private static final String UNAVAILABLE = "sluice_auth_failures_total{reason=\"unavailable\"}";

    private static final String TOO_MANY = "sluice_refused_total{limit=\"webhook-token-bytes\"}";
    private static Backend backend;
    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static Pod pod;

    @BeforeAll
    static void start() {
        backend = new Backend();
        pod = Pod.ready(
                STAGE.redis(),
                Map.of(
                        KEY,
                        backend.url(),
                        "sluice.webhook.timeout",
                        "12s",
                        "sluice.webhook.concurrency",
                        "8",
                        "sluice.webhook.connect.token-bytes",
                        "64K"));
    }

    @AfterAll
    static void stop() {
        assertThat(pod.log()).as("its path and query may hold a secret").doesNotContain("by=sluice");
        pod.close();
        backend.close();
    }

    @BeforeEach
    void answers() {
        backend.answers(200);
    }

    @Test
    void webhookGetsUserAndClaimsOncePerToken() {
        JwtClaims claims = claims();
        claims.setClaim("token_version", 3);
        claims.setClaim("nested", Map.of("list", List.of("ü \"x\"", true)));
        String token = Tokens.sign(claims);
        int before = backend.requests().size();
        try (Client client = connect().authenticate(token)) {
            assertThat(client.next()).contains("auth_success");
        }
        assertThat(backend.requests()).hasSize(before + 1);
        Json asked = Json.from(backend.requests().get(before));
        assertThat(asked.<Object>getMap("").keySet()).containsExactlyInAnyOrder("user", "claims");
        assertThat(asked.getString("user")).isEqualTo("7");
        assertThat(asked.<Object>getMap("claims"))
                .containsOnlyKeys("sub", "type", "exp", "jti", "token_version", "nested")
                .containsEntry("sub", "7")
                .containsEntry("token_version", 3)
                .containsEntry("nested", Map.of("list", List.of("ü \"x\"", true)));
        try (Client client = connect().authenticate(token);
                Client onUpgrade = onUpgrade(token)) {
            assertThat(client.next()).contains("auth_success");
            assertThat(onUpgrade.next()).contains("auth_success");
            assertThat(backend.requests()).as("the answer is kept").hasSize(before + 1);
            client.authenticate(token());
            assertThat(client.next()).contains("auth_success");
            assertThat(backend.requests()).as("another token").hasSize(before + 2);
        }
    }

    @Test
    void refusedUserMayNotConnect() {
        backend.answers(403);
        double before = pod.metric(REFUSED);
        try (Client client = connect().authenticate(token())) {
            assertThat(client.next()).contains("auth_error", "you may not connect");
            assertThat(client.closeCode()).isEqualTo(4003);
        }
        assertThat(Client.refusal(pod.webSocket("/ws"), bearer(token()))).isEqualTo(401);
        pod.awaitMetric(REFUSED, before + 2);
    }

    @Test
    void refusedRenewalChangesNothing() {
        try (Client client = connect().authenticate(token())) {
            assertThat(client.next()).contains("auth_success");
            backend.answers(403);
            client.authenticate(token());
            assertThat(client.next()).contains("\"error\"", "\"unauthorized\"", "you may not connect");
            backend.answers(500);
            client.authenticate(token());
            assertThat(client.next()).contains("\"error\"", "\"unavailable\"");
            STAGE.redis().publish("user:7", "still here");
            assertThat(client.next()).isEqualTo("still here");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {302, 400, 401, 404, 408, 429, 500, 503})
    void otherStatusIsNoDecisionAndIsNotCached(int status) {
        backend.answers(status);
        double before = pod.metric(UNAVAILABLE);
        String token = token();
        try (Client client = connect().authenticate(token)) {
            assertThat(client.closeCode()).isEqualTo(1013);
            assertThat(client.hasHeardAnything())
                    .as("auth_error would make old clients stop permanently")
                    .isFalse();
        }
        assertThat(Client.refusal(pod.webSocket("/ws"), bearer(token))).isEqualTo(503);
        pod.awaitMetric(UNAVAILABLE, before + 2);
        backend.answers(200);
        try (Client client = connect().authenticate(token)) {
            assertThat(client.next()).contains("auth_success");
        }
        pod.awaitLog("sluice.webhook.connect.url does not decide who may connect");
    }

    @Test
    void questionIsRepeatedOnceIfTheBackendClosesTheConnection() {
        int before = backend.requests().size();
        backend.closes(1);
        try (Client client = connect().authenticate(token())) {
            assertThat(client.next()).contains("auth_success");
        }
        assertThat(backend.requests()).hasSize(before + 2);
        backend.closes(2);
        try (Client client = connect().authenticate(token())) {
            assertThat(client.closeCode()).isEqualTo(1013);
        }
        assertThat(backend.requests()).hasSize(before + 4);
    }

    @Test
    void invalidTokensDoNotReachTheWebhook() {
        int before = backend.requests().size();
        try (Client client = connect().authenticate(Tokens.signedByAnotherKey(claims()))) {
            assertThat(client.next()).contains("auth_error");
            assertThat(client.closeCode()).isEqualTo(4003);
        }
        assertThat(backend.requests()).hasSize(before);
    }

    @Test
    void hangingWebhookDelaysNoOtherClient() {
        List<Client> waiting = new ArrayList<>();
        try (Client there = connect().authenticate(token())) {
            assertThat(there.next()).contains("auth_success");
            int before = backend.requests().size();
            backend.hang();
            for (int i = 0; i < 20; i++) {
                waiting.add(connect().authenticate(token()));
            }
            await("questions").until(() -> backend.requests().size() >= before + 8);
            STAGE.redis().publish("user:7", "hello");
            assertThat(there.next()).isEqualTo("hello");
            assertThat(backend.requests()).as("no more at once than allowed").hasSize(before + 8);
            for (Client client : waiting) {
                assertThat(client.closeCode()).isEqualTo(1013);
            }
        } finally {
            backend.goOn();
            waiting.forEach(Client::close);
        }
    }

    @Test
    void tokensWaitingForTheWebhookAreBoundedInBytes() {
        List<Client> waiting = new ArrayList<>();
        int before = backend.requests().size();
        double refused = pod.metric(TOO_MANY);
        backend.hang();
        try {
            // Each counts twice.
            for (int i = 0; i < 3; i++) {
                waiting.add(connect().authenticate(longToken()));
            }
            await("questions").until(() -> backend.requests().size() == before + 3);
            try (Client client = connect().authenticate(longToken())) {
                assertThat(client.closeCode()).isEqualTo(1013);
            }
            pod.awaitMetric(TOO_MANY, refused + 1);
            backend.goOn();
            for (Client client : waiting) {
                assertThat(client.next()).contains("auth_success");
            }
        } finally {
            backend.goOn();
            waiting.forEach(Client::close);
        }
    }

    @Test
    void claimsThatCannotBeSentTakeNoConnection() {
        JwtClaims deep = claims();
        Object nested = "deep";
        for (int depth = 0; depth < 1_100; depth++) {
            nested = List.of(nested);
        }
        deep.setClaim("deep", nested);
        String token = Tokens.sign(deep);
        for (int i = 0; i < 9; i++) {
            try (Client client = connect().authenticate(token)) {
                assertThat(client.closeCode()).isEqualTo(1013);
            }
        }
        try (Client client = connect().authenticate(token())) {
            assertThat(client.next()).contains("auth_success");
        }
    }

    @Test
    void messagesAfterTheAuthMessageWaitForTheWebhook() {
        backend.hang();
        int before = backend.requests().size();
        String upload = Stage.upload();
        try (Client client = connect().authenticate(token())) {
            client.send("{\"action\":\"subscribe_upload\",\"upload_id\":\"" + upload + "\"}");
            await("question").until(() -> backend.requests().size() == before + 1);
            backend.goOn();
            assertThat(client.next()).contains("auth_success");
            assertThat(client.next()).contains("\"subscribed\"", upload);
        } finally {
            backend.goOn();
        }
    }

    @Tag("long")
    @Test
    void withoutCacheEveryAuthenticationAsksTheWebhookAndAnUnreachableOneIsNoDecision() {
        String token = token();
        Backend uncached = new Backend();
        Map<String, String> config =
                Map.of(KEY, uncached.url(), "sluice.webhook.cache", "0s", "sluice.webhook.timeout", "5s");
        try (uncached;
                Pod own = Pod.ready(STAGE.redis(), config)) {
            for (int i = 1; i <= 3; i++) {
                try (Client client = Client.connect(own.webSocket("/ws")).authenticate(token)) {
                    assertThat(client.next()).contains("auth_success");
                }
                assertThat(uncached.requests()).hasSize(i);
            }
            uncached.close();
            try (Client client = Client.connect(own.webSocket("/ws")).authenticate(token)) {
                assertThat(client.closeCode()).isEqualTo(1013);
            }
            assertThat(own.status("/q/health/ready")).isEqualTo(200);
        }
    }

    private static Client connect() {
        return Client.connect(pod.webSocket("/ws"));
    }

    private static Client onUpgrade(String token) {
        return Client.connect(pod.webSocket("/ws"), bearer(token));
    }

    private static Map<String, String> bearer(String token) {
        return Map.of("Authorization", "Bearer " + token);
    }

    private static String longToken() {
        JwtClaims claims = claims();
        claims.setClaim("long", "x".repeat(6_500));
        return Tokens.sign(claims);
    }

    private static String token() {
        return Tokens.sign(claims());
    }

    /** Claims of the same user for a new token. */
    private static JwtClaims claims() {
        JwtClaims claims = Tokens.claims("7");
        claims.setJwtId(String.valueOf(NUMBER.incrementAndGet()));
        return claims;
    }
}
