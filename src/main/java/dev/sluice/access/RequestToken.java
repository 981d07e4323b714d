package dev.sluice.access;

import io.netty.handler.codec.http.cookie.ServerCookieDecoder;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Finds the token of an HTTP request: in {@code Authorization}, else where {@code mp.jwt.token.header} and {@code
 * mp.jwt.token.cookie} say. A request may have several {@code Cookie} lines; of cookies with the same name the first is
 * used, which browsers regard as the closest match.
 */
@Singleton
public final class RequestToken {

    private static final String DEFAULT_COOKIE = "Bearer";

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
        String name = Objects.requireNonNullElse(info.getTokenCookie(), DEFAULT_COOKIE);
        return lines.stream()
                .flatMap(line -> ServerCookieDecoder.STRICT.decodeAll(line).stream())
                .filter(cookie -> cookie.name().equals(name) && !cookie.value().isEmpty())
                .map(cookie -> cookie.value())
                .findFirst()
                .orElse(null);
    }
}
