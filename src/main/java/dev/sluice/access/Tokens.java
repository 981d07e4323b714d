package dev.sluice.access;

import dev.sluice.log.LogThrottle;
import dev.sluice.log.Plain;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.smallrye.jwt.auth.principal.JWTParser;
import io.smallrye.jwt.auth.principal.ParseException;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import jakarta.json.JsonString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.jwt.JsonWebToken;
import org.jboss.logging.Logger;
import org.jose4j.jwt.consumer.ErrorCodes;
import org.jose4j.jwt.consumer.InvalidJwtException;
import org.jspecify.annotations.Nullable;

/** Verifies JSON web tokens with the keys MicroProfile JWT is configured with. */
@Singleton
public final class Tokens {

    private static final Logger LOG = Logger.getLogger(Tokens.class);

    /** As long as the id of a channel may be: a longer subject could never be heard. */
    private static final int MAX_USER_BYTES = 256;

    private static final String INVALID = "token is invalid";

    /** Enough to keep two cores busy; fetching keys holds all of them up, and nobody else. */
    private static final int WORKERS = 4;

    private final LogThrottle failed = new LogThrottle();
    private final LogThrottle unfetched = new LogThrottle();
    private final JWTParser parser;
    private final WorkerExecutor workers;
    private final JWTAuthContextInfo info;

    Tokens(JWTParser parser, JWTAuthContextInfo info, Vertx vertx) {
        this.parser = parser;
        this.info = info;
        this.workers = vertx.createSharedWorkerExecutor("sluice-tokens", WORKERS);
    }

    /**
     * The verdict on a token, on the caller's Vert.x context; never fails. The work is done on a worker thread, as it
     * may fetch keys.
     */
    public Uni<Verdict> verify(String token) {
        return Uni.createFrom()
                .completionStage(
                        () -> workers.executeBlocking(() -> judge(token), false).toCompletionStage())
                .onFailure()
                .recoverWithItem(failure -> {
                    long count = failed.pass();
                    if (count > 0) {
                        LOG.errorf(
                                "Tokens that could not be verified: %d, the last because of %s",
                                count, failure.getClass());
                    }
                    return new Verdict.Unavailable();
                });
    }

    @PreDestroy
    void stop() {
        workers.close();
    }

    private Verdict judge(String token) {
        JsonWebToken verified;
        try {
            verified = parser.parse(token);
        } catch (RuntimeException | StackOverflowError e) {
            // A claim of a type or depth nobody expects.
            return new Verdict.Refused(INVALID);
        } catch (ParseException e) {
            if (causedByIo(e)) {
                long count = unfetched.pass();
                if (count > 0) {
                    LOG.warnf(
                            "Keys to verify tokens with can't be fetched: %s; tokens that wait for them: %d, further ones"
                                    + " are not logged for a minute",
                            Plain.text(e.getMessage()), count);
                }
                return new Verdict.Unavailable();
            }
            return new Verdict.Refused(reason(e));
        }
        String user = verified.getSubject();
        if (user != null && !StandardCharsets.UTF_8.newEncoder().canEncode(user)) {
            return new Verdict.Refused("token's sub claim is not Unicode");
        }
        if (user == null || user.isEmpty()) {
            return new Verdict.Refused("token has no sub claim");
        }
        if (user.getBytes(StandardCharsets.UTF_8).length > MAX_USER_BYTES) {
            return new Verdict.Refused("token's sub claim is longer than " + MAX_USER_BYTES + " bytes");
        }
        Bearer bearer = new Bearer(user, until(verified.getExpirationTime()), Grants.of(channels(verified), user));
        return verified instanceof TokenFactory.VerifiedToken whole
                ? new Verdict.Accepted(bearer, whole.claims())
                : new Verdict.Accepted(bearer);
    }

    /** A date beyond all that can be told in milliseconds is never. */
    private long until(long expiration) {
        long skewSeconds = info.getClockSkew();
        return TimeUnit.SECONDS.toMillis(Math.min(expiration, Long.MAX_VALUE - skewSeconds) + skewSeconds);
    }

    private static List<String> channels(JsonWebToken token) {
        Object claim = token.getClaim("channels");
        Collection<?> entries =
                claim instanceof Collection<?> several ? several : claim == null ? List.of() : List.of(claim);
        List<String> names = new ArrayList<>();
        for (Object entry : entries) {
            if (entry instanceof JsonString text) {
                names.add(text.getString());
            } else if (entry instanceof String text) {
                names.add(text);
            }
        }
        return names;
    }

    /** Says what is wrong in our own words: the exception's quote the token's claims. */
    private static String reason(ParseException failure) {
        if (failure instanceof TokenFactory.WrongType) {
            return TokenFactory.WrongType.MESSAGE;
        }
        if (!(failure.getCause() instanceof InvalidJwtException invalid)
                || invalid.getErrorDetails().isEmpty()) {
            return INVALID;
        }
        return switch (invalid.getErrorDetails().get(0).getErrorCode()) {
            case ErrorCodes.EXPIRED -> "token has expired";
            case ErrorCodes.EXPIRATION_MISSING -> "token has no exp claim";
            case ErrorCodes.NOT_YET_VALID -> "token is not valid yet";
            case ErrorCodes.AUDIENCE_INVALID, ErrorCodes.AUDIENCE_MISSING -> "token is for another audience";
            case ErrorCodes.ISSUER_INVALID, ErrorCodes.ISSUER_MISSING -> "token is of another issuer";
            case ErrorCodes.SIGNATURE_INVALID -> "token's signature is invalid";
            default -> INVALID;
        };
    }

    private static boolean causedByIo(@Nullable Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof IOException) {
                return true;
            }
        }
        return false;
    }
}
