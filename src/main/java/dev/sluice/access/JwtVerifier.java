package dev.sluice.access;

import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import io.smallrye.jwt.auth.principal.DefaultJWTCallerPrincipal;
import io.smallrye.jwt.auth.principal.DefaultJWTTokenParser;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.auth.principal.JWTCallerPrincipal;
import io.smallrye.jwt.auth.principal.JWTCallerPrincipalFactory;
import io.smallrye.jwt.auth.principal.ParseException;
import io.vertx.core.Vertx;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.jwt.Claims;
import org.jboss.logging.Logger;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.consumer.JwtContext;
import org.jose4j.keys.resolvers.VerificationKeyResolver;
import org.jose4j.lang.UnresolvableKeyException;
import org.jspecify.annotations.Nullable;

/**
 * Verifies tokens in the same way for WebSockets and HTTP. A token that no known key has signed is undecided until keys
 * that were requested after its arrival have been tried.
 */
@Singleton
@Alternative
@Priority(1)
final class JwtVerifier extends JWTCallerPrincipalFactory {

    private static final Logger LOG = Logger.getLogger(JwtVerifier.class);

    /** The number of HTTP requests that may wait for keys; each blocks a thread. */
    private static final int MAX_WAITING = 16;

    /** The maximum wait for the current fetch, which ends earlier. */
    private static final int WAIT_SECONDS = 5;

    /** The maximum length of a token. */
    static final int MAX_CHARACTERS = 16 * 1024;

    static final TokenResult.Refused TOO_LONG =
            new TokenResult.Refused(TokenResult.Reason.TOKEN, "token is longer than " + MAX_CHARACTERS + " characters");

    private final Parser parser = new Parser();
    private final LogThrottle failures = new LogThrottle();
    private final LogThrottle refusals = new LogThrottle();
    private final Semaphore waiting = new Semaphore(MAX_WAITING);
    private final Instance<Vertx> vertx;

    /** Created at start where a key server is configured. */
    private volatile @Nullable ServerKeys server;

    JwtVerifier(Instance<Vertx> vertx) {
        this.vertx = vertx;
    }

    /**
     * Creates the source of the keys.
     *
     * @throws UnresolvableKeyException where keys that are configured can't be read
     * @throws IllegalArgumentException where a key server can't be asked as it is configured
     */
    void start(JWTAuthContextInfo info) throws UnresolvableKeyException {
        if (ServerKeys.isServer(info.getPublicKeyLocation())) {
            ServerKeys keys = new ServerKeys(vertx.get(), info);
            server = keys;
            parser.keys = keys;
        } else if (info.getPublicVerificationKey() == null && info.getSecretVerificationKey() == null) {
            parser.keys = new StaticKeys(info);
        }
    }

    /** The token is invalid, and will never become valid. */
    static final class Rejected extends ParseException {
        private static final long serialVersionUID = 1;

        private final transient TokenResult.Refused result;

        Rejected(TokenResult.Refused result) {
            super(result.message());
            this.result = result;
        }

        TokenResult.Refused result() {
            return result;
        }
    }

    /** A valid token. */
    static final class VerifiedToken extends DefaultJWTCallerPrincipal {

        private final Map<String, Object> claims;

        VerifiedToken(String type, JwtClaims claims) {
            // SmallRye added the token itself to the claims, and now replaces some of them by its own types.
            this(type, claims, claims.getClaimsMap(Set.of(Claims.raw_token.name())));
        }

        private VerifiedToken(String type, JwtClaims claims, Map<String, Object> copy) {
            super(type, claims);
            this.claims = copy;
        }

        /** All claims. */
        Map<String, Object> claims() {
            return claims;
        }
    }

    /** The key lookup failed, so the token is undecided. */
    private static final class LookupFailed extends UnresolvableKeyException {
        private static final long serialVersionUID = 1;

        LookupFailed(RuntimeException cause) {
            super("the key can't be looked up", cause);
        }
    }

    /** The token may be signed by a key newer than the known ones. */
    static final class Undecided extends ParseException {
        private static final long serialVersionUID = 1;

        Undecided() {
            super("no known key has signed the token");
        }
    }

    /**
     * Called by SmallRye JWT for the tokens of HTTP requests. Blocks while a current fetch of keys may decide.
     *
     * @throws KeysUnavailable where it can't be decided now
     */
    @Override
    public JWTCallerPrincipal parse(String token, JWTAuthContextInfo info) throws ParseException {
        long arrival = System.nanoTime();
        try {
            return verify(token, info, arrival);
        } catch (Undecided e) {
            if (!waiting.tryAcquire()) {
                throw new KeysUnavailable();
            }
        }
        try {
            while (true) {
                boolean fetched = awaitFetch();
                try {
                    return verify(token, info, arrival);
                } catch (Undecided e) {
                    if (!fetched) {
                        throw new KeysUnavailable();
                    }
                }
            }
        } finally {
            waiting.release();
        }
    }

    private boolean awaitFetch() {
        try {
            nextKeys(Duration.ZERO).get(WAIT_SECONDS, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException | TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Verifies with the known keys. Does not block.
     *
     * @param arrival when the token came, by {@link System#nanoTime}
     * @throws Rejected if the token is invalid
     * @throws Undecided if {@link #nextKeys} may decide
     * @throws KeysUnavailable if the key lookup fails
     */
    VerifiedToken verify(String token, JWTAuthContextInfo info, long arrival) throws Rejected, Undecided {
        if (token.length() > MAX_CHARACTERS) {
            throw rejected(TOO_LONG, null);
        }
        JwtContext context;
        try {
            context = parser.parse(token, info);
        } catch (ParseException e) {
            if (e.getCause() instanceof ServerKeys.NotSigned unknown && !unknown.isFinalFor(arrival)) {
                throw new Undecided();
            }
            if (e.getCause() instanceof LookupFailed failed) {
                throw unavailable(failed);
            }
            throw rejected(TokenFailureMapper.refused(e), e);
        } catch (RuntimeException | StackOverflowError e) {
            // A claim of the wrong JSON type, or nested too deeply.
            throw rejected(new TokenResult.Refused(TokenResult.Reason.TOKEN, TokenFailureMapper.INVALID), e);
        }
        Object type = context.getJwtClaims().getClaimValue("type");
        // Refresh tokens of the same backend are signed with the same key.
        if (type != null && !type.equals("access")) {
            throw rejected(new TokenResult.Refused(TokenResult.Reason.TYPE, "token is not an access token"), null);
        }
        return new VerifiedToken(context.getJoseObjects().get(0).getHeader("typ"), context.getJwtClaims());
    }

    /** Returns the outcome of the fetch that may decide undecided tokens; see {@link KeyServer#next}. */
    CompletableFuture<Void> nextKeys(Duration patience) {
        ServerKeys keys = server;
        return keys == null ? CompletableFuture.failedFuture(new KeysUnavailable()) : keys.next(patience);
    }

    /** Whether keys are known, so that an undecided token is the token's fault. */
    boolean hasKeys() {
        ServerKeys keys = server;
        return keys == null || keys.healthy();
    }

    private Rejected rejected(TokenResult.Refused result, @Nullable Throwable failure) {
        log(result, failure);
        return new Rejected(result);
    }

    /** Logs a refusal: each at level DEBUG, else the last one once a minute. */
    void log(TokenResult.Refused result, @Nullable Throwable failure) {
        long count = refusals.pass();
        if (LOG.isDebugEnabled()) {
            LOG.debugf("Token refused: %s%s", result.message(), TokenFailureMapper.detail(result, failure));
        } else if (count > 0) {
            LOG.infof(
                    "Sluice refused tokens: %d, the last: %s%s; the next log line follows in a minute",
                    count, result.message(), TokenFailureMapper.detail(result, failure));
        }
    }

    private KeysUnavailable unavailable(LookupFailed failure) {
        long count = failures.pass();
        if (count > 0) {
            LOG.errorf(
                    "Sluice can't look up the key of a token: %s; failures: %d, the next log line follows in a minute",
                    RootCause.innermost(failure), count);
        }
        return new KeysUnavailable();
    }

    /** SmallRye's parser, with Sluice's keys. */
    private static final class Parser extends DefaultJWTTokenParser {

        private volatile @Nullable VerificationKeyResolver keys;

        @Override
        protected VerificationKeyResolver getVerificationKeyResolver(JWTAuthContextInfo info) {
            return (token, nesting) -> {
                try {
                    return Objects.requireNonNull(keys, "not started").resolveKey(token, nesting);
                } catch (RuntimeException e) {
                    throw new LookupFailed(e);
                }
            };
        }
    }
}
