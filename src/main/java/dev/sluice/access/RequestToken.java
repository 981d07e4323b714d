package dev.sluice.access;

import io.smallrye.jwt.auth.AbstractBearerTokenExtractor;
import io.smallrye.jwt.auth.principal.JWTAuthContextInfo;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.HttpServerRequest;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/** Finds the token of an HTTP request where {@code mp.jwt.token.header} and {@code mp.jwt.token.cookie} say it is. */
@Singleton
public final class RequestToken {

    private final JWTAuthContextInfo info;

    RequestToken(JWTAuthContextInfo info) {
        this.info = info;
    }

    /** The request's token, or {@code null} where it has none. */
    public @Nullable String of(HttpServerRequest request) {
        return new Extractor(request).getBearerToken();
    }

    private final class Extractor extends AbstractBearerTokenExtractor {

        private final HttpServerRequest request;

        Extractor(HttpServerRequest request) {
            super(info);
            this.request = request;
        }

        @Override
        protected @Nullable String getHeaderValue(String name) {
            return request.getHeader(name);
        }

        @Override
        protected @Nullable String getCookieValue(String name) {
            Cookie cookie = request.getCookie(name);
            return cookie == null ? null : cookie.getValue();
        }
    }
}
