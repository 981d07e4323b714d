package dev.sluice.access;

import io.smallrye.jwt.auth.principal.DefaultJWTCallerPrincipal;
import io.smallrye.jwt.auth.principal.DefaultJWTTokenParser;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.auth.principal.JWTCallerPrincipal;
import io.smallrye.jwt.auth.principal.JWTCallerPrincipalFactory;
import io.smallrye.jwt.auth.principal.ParseException;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.microprofile.jwt.Claims;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.consumer.JwtContext;
import org.jose4j.keys.resolvers.VerificationKeyResolver;
import org.jose4j.lang.UnresolvableKeyException;
import org.jspecify.annotations.Nullable;

/**
 * What a token must be to count, over WebSocket and HTTP alike: SmallRye JWT calls this one for both. Blocks while keys
 * are fetched.
 */
@Singleton
@Alternative
@Priority(1)
final class TokenFactory extends JWTCallerPrincipalFactory {

    private final Parser parser = new Parser();

    /** A token of a kind that is not accepted, although its signature is good. */
    static final class WrongType extends ParseException {
        private static final long serialVersionUID = 1;

        static final String MESSAGE = "token is not an access token";

        WrongType() {
            super(MESSAGE);
        }
    }

    /** A token that is good. */
    static final class VerifiedToken extends DefaultJWTCallerPrincipal {

        private final Map<String, Object> claims;

        VerifiedToken(String type, JwtClaims claims) {
            // SmallRye has put the token itself among them, and now replaces some of them by its own types.
            this(type, claims, claims.getClaimsMap(Set.of(Claims.raw_token.name())));
        }

        private VerifiedToken(String type, JwtClaims claims, Map<String, Object> copy) {
            super(type, claims);
            this.claims = copy;
        }

        /** What the token says. */
        Map<String, Object> claims() {
            return claims;
        }
    }

    @Override
    public JWTCallerPrincipal parse(String token, JWTAuthContextInfo info) throws ParseException {
        JwtContext context = parser.parse(token, info);
        Object type = context.getJwtClaims().getClaimValue("type");
        // Refresh tokens of the same backend are signed with the same key.
        if (type != null && !type.equals("access")) {
            throw new WrongType();
        }
        return new VerifiedToken(context.getJoseObjects().get(0).getHeader("typ"), context.getJwtClaims());
    }

    /** SmallRye's, with keys from {@link KeySource}. */
    private static final class Parser extends DefaultJWTTokenParser {

        /** While keys that were never there can't be fetched, every token would wait for another attempt. */
        private static final Duration PAUSE = Duration.ofSeconds(1);

        private final ReentrantLock lock = new ReentrantLock();
        private volatile @Nullable KeySource keys;
        private @Nullable UnresolvableKeyException failure;
        private long failed;

        @Override
        protected VerificationKeyResolver getVerificationKeyResolver(JWTAuthContextInfo info)
                throws UnresolvableKeyException {
            KeySource known = keys;
            if (known != null) {
                return known;
            }
            lock.lock();
            try {
                if (keys == null) {
                    keys = open(info);
                }
                return keys;
            } finally {
                lock.unlock();
            }
        }

        private KeySource open(JWTAuthContextInfo info) throws UnresolvableKeyException {
            if (failure != null && System.nanoTime() - failed < PAUSE.toNanos()) {
                throw failure;
            }
            try {
                return new KeySource(info);
            } catch (UnresolvableKeyException e) {
                failure = e;
                failed = System.nanoTime();
                throw e;
            }
        }
    }
}
