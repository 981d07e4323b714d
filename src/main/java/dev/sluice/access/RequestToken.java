package dev.sluice.access;

import dev.sluice.log.LogSanitizer;
import dev.sluice.log.LogThrottle;
import io.netty.handler.codec.http.cookie.ServerCookieDecoder;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Objects;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Finds the token of an HTTP request: in {@code Authorization}, else where {@code mp.jwt.token.header} and {@code
 * mp.jwt.token.cookie} say. A request may have several {@code Cookie} lines; of cookies with the same name the first is
 * used, which browsers regard as the closest match.
 */
@Singleton
public final class RequestToken {

    private static final Logger LOG = Logger.getLogger(RequestToken.class);
    private static final String DEFAULT_COOKIE = "Bearer";
    private static final String REFUSED = RequestToken.class.getName() + ".refused";

    /** A chain of causes may be circular. */
    private static final int MAX_DEPTH = 10;

    private final LogThrottle missing = new LogThrottle();
    private final JWTAuthContextInfo info;

    RequestToken(JWTAuthContextInfo info) {
        this.info = info;
    }

    /** Returns the request's token, or {@code null} if it has none. */
    public @Nullable String of(HttpServerRequest request) {
        String token = withScheme(request.headers().getAll(HttpHeaders.AUTHORIZATION));
        String header = info.getTokenHeader();
        if (token != null || HttpHeaders.AUTHORIZATION.toString().equalsIgnoreCase(header)) {
            return token;
        }
        if (HttpHeaders.COOKIE.toString().equalsIgnoreCase(header)) {
            return cookie(request.headers().getAll(HttpHeaders.COOKIE));
        }
        token = withScheme(request.headers().getAll(header));
        return token == null ? request.getHeader(header) : token;
    }

    /** Remembers with the request why its token was refused. */
    static void refused(RoutingContext context, Throwable failure) {
        Throwable cause = failure;
        for (int depth = 0; depth < MAX_DEPTH && cause != null; depth++) {
            if (cause instanceof JwtVerifier.Rejected rejected) {
                context.put(REFUSED, rejected.result().sentence());
                return;
            }
            cause = cause.getCause();
        }
    }

    /** Returns a sentence for the client that says why the request got 401. */
    public String refusal(RoutingContext context) {
        String refused = context.get(REFUSED);
        return refused == null ? missing(context.request()) : refused;
    }

    /** Logs that a request needs a token; returns a sentence for the client that says where. */
    public String missing(HttpServerRequest request) {
        long count = missing.pass();
        if (count > 0) {
            LOG.infof(
                    "Sluice refused requests without a token: %d, the last for %s; the next log line follows in a minute",
                    count, LogSanitizer.text(request.path()));
        }
        boolean inCookie = HttpHeaders.COOKIE.toString().equalsIgnoreCase(info.getTokenHeader());
        return "The request needs a token: Authorization: Bearer <token>"
                + (inCookie ? ", or the cookie " + cookieName() : ", or a cookie with mp.jwt.token.header=Cookie");
    }

    private String cookieName() {
        return Objects.requireNonNullElse(info.getTokenCookie(), DEFAULT_COOKIE);
    }

    private @Nullable String withScheme(List<String> values) {
        for (String value : values) {
            for (String scheme : info.getTokenSchemes()) {
                String start = scheme + " ";
                if (value.regionMatches(true, 0, start, 0, start.length())) {
                    return value.substring(start.length()).strip();
                }
            }
        }
        return null;
    }

    private @Nullable String cookie(List<String> lines) {
        String name = cookieName();
        return lines.stream()
                .flatMap(line -> ServerCookieDecoder.STRICT.decodeAll(line).stream())
                .filter(cookie -> cookie.name().equals(name) && !cookie.value().isEmpty())
                .map(cookie -> cookie.value())
                .findFirst()
                .orElse(null);
    }
}
