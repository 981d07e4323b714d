package dev.sluice.access;

import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LimitMeter;
import dev.sluice.log.LogThrottle;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Verifies JSON web tokens with the keys that MicroProfile JWT's settings name. */
@Singleton
public final class TokenVerifier {

    private static final Logger LOG = Logger.getLogger(TokenVerifier.class);

    /** The maximum length of a channel's id: a longer subject could have no channel. */
    private static final int MAX_USER_BYTES = 256;

    /** Enough to keep two cores busy. */
    private static final int WORKERS = 4;

    /**
     * How long a token that no known key has signed waits for a fetch of keys to begin; less than sluice.auth.timeout.
     */
    private static final Duration PATIENCE = Duration.ofSeconds(4);

    private final LogThrottle failed = new LogThrottle();
    private final LimitMeter overflows;

    /** Tokens that wait for a worker. */
    private final TokenBudget verifying;

    /** Tokens that wait for newer keys. */
    private final TokenBudget waiting;

    private final JwtVerifier factory;
    private final WorkerExecutor workers;
    private final JWTAuthContextInfo info;

    @Inject
    TokenVerifier(
            JwtVerifier factory, JWTAuthContextInfo info, Vertx vertx, SluiceConfig config, MeterRegistry metrics) {
        this(
                factory,
                info,
                vertx,
                config.limits().tokens(),
                (int) config.limits().tokenBytes().asLongValue(),
                metrics);
    }

    /**
     * Creates a verifier with limits for tokens that wait for a worker; a fifth of their number, and half of their
     * characters, may wait for keys.
     */
    TokenVerifier(
            JwtVerifier factory,
            JWTAuthContextInfo info,
            Vertx vertx,
            int maxTokens,
            int maxCharacters,
            MeterRegistry metrics) {
        this.verifying = new TokenBudget(maxTokens, maxCharacters);
        this.waiting =
                new TokenBudget(Math.max(1, maxTokens / 5), Math.max(JwtVerifier.MAX_CHARACTERS, maxCharacters / 2));
        this.overflows = new LimitMeter("tokens", metrics);
        Gauge.builder("sluice.tokens.pending.bytes", () -> verifying.characters() + waiting.characters())
                .description("Characters of tokens that wait to be verified")
                .baseUnit("bytes")
                .register(metrics);
        this.factory = factory;
        this.info = info;
        this.workers = vertx.createSharedWorkerExecutor("sluice-tokens", WORKERS);
    }

    /** Verifies a token; the result comes on any thread and is never a failure. May wait for keys without blocking a thread. */
    public Uni<TokenResult> verify(String token) {
        long arrival = System.nanoTime();
        return Uni.createFrom()
                .completionStage(() -> verify(token, arrival, false))
                .onFailure()
                .recoverWithItem(failure -> {
                    long count = failure instanceof KeysUnavailable ? 0 : failed.pass();
                    if (count > 0) {
                        LOG.errorf(
                                "Sluice failed to verify tokens: %d, the last with %s. Please report this bug",
                                count, failure.getClass().getName());
                    }
                    return new TokenResult.Unavailable();
                });
    }

    /**
     * Verifies with the known keys, else with the next ones.
     *
     * @param last whether to give up if the known keys do not verify it
     */
    private CompletionStage<TokenResult> verify(String token, long arrival, boolean last) {
        int characters = token.length();
        if (characters > JwtVerifier.MAX_CHARACTERS) {
            return CompletableFuture.completedFuture(JwtVerifier.TOO_LONG);
        }
        if (!verifying.enter(characters)) {
            overflows.exceeded();
            return CompletableFuture.completedFuture(new TokenResult.Unavailable());
        }
        // Released when the worker is done with the token, not when the client leaves.
        return workers.executeBlocking(() -> Optional.ofNullable(decide(token, arrival)), false)
                .toCompletionStage()
                .whenComplete((result, failure) -> verifying.leave(characters))
                .thenCompose(result -> result.isPresent()
                        ? CompletableFuture.completedFuture(result.get())
                        : last ? undecided() : awaitKeys(token, arrival));
    }

    private CompletionStage<TokenResult> awaitKeys(String token, long arrival) {
        int characters = token.length();
        if (!waiting.enter(characters)) {
            overflows.exceeded();
            return undecided();
        }
        return factory.nextKeys(PATIENCE)
                .handle((fetched, failure) -> failure != null)
                .thenCompose(failed -> {
                    waiting.leave(characters);
                    return verify(token, arrival, failed);
                });
    }

    private CompletionStage<TokenResult> undecided() {
        return CompletableFuture.completedFuture(
                factory.hasKeys() ? new TokenResult.Undecided() : new TokenResult.Unavailable());
    }

    @PreDestroy
    void stop() {
        workers.close();
    }

    /** Returns the result; {@code null} if newer keys may decide. */
    private @Nullable TokenResult decide(String token, long arrival) {
        JwtVerifier.VerifiedToken verified;
        try {
            verified = factory.verify(token, info, arrival);
        } catch (JwtVerifier.Rejected e) {
            return e.result();
        } catch (JwtVerifier.Undecided e) {
            return null;
        }
        String user = verified.getSubject();
        if (user != null && !StandardCharsets.UTF_8.newEncoder().canEncode(user)) {
            return claims("token's sub claim is not Unicode");
        }
        if (user == null || user.isEmpty()) {
            return claims("token has no sub claim");
        }
        if (user.getBytes(StandardCharsets.UTF_8).length > MAX_USER_BYTES) {
            return claims("token's sub claim is longer than " + MAX_USER_BYTES + " bytes");
        }
        Grants grants = Grants.of(channels(verified.claims()), user);
        return new TokenResult.Accepted(
                new AuthenticatedUser(user, until(verified.getExpirationTime()), grants), verified.claims());
    }

    /** Converts to milliseconds; a date that is too large never expires. */
    private long until(long expiration) {
        long skewSeconds = info.getClockSkew();
        return TimeUnit.SECONDS.toMillis(Math.min(expiration, Long.MAX_VALUE - skewSeconds) + skewSeconds);
    }

    /** Reads the claims themselves, because SmallRye throws and catches an exception for each claim that it does not know. */
    private static List<String> channels(Map<String, Object> claims) {
        Object claim = claims.get("channels");
        Collection<?> entries =
                claim instanceof Collection<?> several ? several : claim == null ? List.of() : List.of(claim);
        List<String> names = new ArrayList<>();
        for (Object entry : entries) {
            if (entry instanceof String text) {
                names.add(text);
            }
        }
        return names;
    }

    private TokenResult.Refused claims(String message) {
        TokenResult.Refused refused = new TokenResult.Refused(TokenResult.Reason.CLAIMS, message);
        factory.log(refused, null);
        return refused;
    }
}
