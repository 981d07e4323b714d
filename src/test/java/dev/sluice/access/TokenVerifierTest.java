package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.jwt.algorithm.SignatureAlgorithm;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.util.KeyUtils;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.keys.HmacKey;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TokenVerifierTest {

    private static final Duration SOON = Duration.ofSeconds(60);
    private static final int LONGEST = 16 * 1024;
    private static final int MAX_TOKENS = 5_000;

    private final Vertx vertx = Vertx.vertx();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final JWTAuthContextInfo info = new JWTAuthContextInfo();

    @SuppressWarnings("NullAway") // Asked only where a key server is configured.
    private final TokenVerifier tokens =
            new TokenVerifier(new JwtVerifier(null), info, vertx, MAX_TOKENS, 8 << 20, metrics);

    @AfterEach
    void stop() {
        tokens.stop();
        vertx.close();
    }

    @Test
    void waitingTokensAreBoundedInCharacters() throws InterruptedException {
        info.setSecretVerificationKey(KeyUtils.createSecretKeyFromSecret("s".repeat(32)));
        CountDownLatch release = new CountDownLatch(1);
        occupyWorkers(release);
        String longest = "x".repeat(LONGEST);
        List<CompletableFuture<TokenResult>> taken = new ArrayList<>();
        CompletableFuture<TokenResult> last;
        do {
            last = tokens.verify(longest).subscribeAsCompletionStage();
            taken.add(last);
        } while (!last.isDone() && taken.size() < 1_000);
        assertThat(last).isCompletedWithValue(new TokenResult.Unavailable());
        assertThat(taken).hasSize((8 << 20) / LONGEST + 1);
        taken.forEach(verdict -> verdict.cancel(true));
        assertThat(tokens.verify(longest).await().atMost(SOON))
                .as("the clients have gone, the tokens have not")
                .isEqualTo(new TokenResult.Unavailable());
        release.countDown();
        await().atMost(SOON).until(() -> tokens.verify(longest).await().atMost(SOON) instanceof TokenResult.Refused);
    }

    @Test
    void waitingTokensAreBoundedInNumber() throws InterruptedException {
        info.setSecretVerificationKey(KeyUtils.createSecretKeyFromSecret("s".repeat(32)));
        CountDownLatch release = new CountDownLatch(1);
        occupyWorkers(release);
        int count = 0;
        while (!tokens.verify("x").subscribeAsCompletionStage().isDone() && count < 10_000) {
            count++;
        }
        assertThat(count).isEqualTo(MAX_TOKENS);
        assertThat(metrics.get("sluice.refused")
                        .tag("limit", "tokens")
                        .counter()
                        .count())
                .isEqualTo(1);
        assertThat(metrics.get("sluice.tokens.pending.bytes").gauge().value()).isEqualTo(MAX_TOKENS);
        release.countDown();
    }

    @Test
    void overlongTokenIsRefused() {
        assertThat(tokens.verify("x".repeat(LONGEST + 1)).await().atMost(SOON))
                .isEqualTo(new TokenResult.Refused(TokenResult.Reason.TOKEN, "token is longer than 16384 characters"));
    }

    @Test
    void failedKeyLookupLeavesTheTokenUndecided() throws Exception {
        JsonWebSignature token = new JsonWebSignature();
        token.setAlgorithmHeaderValue(AlgorithmIdentifiers.HMAC_SHA256);
        token.setPayload("{}");
        token.setKey(new HmacKey(new byte[32]));
        // No source of keys was started.
        info.setSignatureAlgorithm(Set.of(SignatureAlgorithm.HS256));
        assertThat(tokens.verify(token.getCompactSerialization()).await().atMost(SOON))
                .isEqualTo(new TokenResult.Unavailable());
    }

    private void occupyWorkers(CountDownLatch release) throws InterruptedException {
        WorkerExecutor workers = vertx.createSharedWorkerExecutor("sluice-tokens", 4);
        CountDownLatch occupied = new CountDownLatch(4);
        for (int i = 0; i < 4; i++) {
            workers.executeBlocking(
                    () -> {
                        occupied.countDown();
                        release.await();
                        return null;
                    },
                    false);
        }
        occupied.await();
    }
}
