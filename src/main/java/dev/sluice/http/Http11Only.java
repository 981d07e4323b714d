package dev.sluice.http;

import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.vertx.core.VertxException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/**
 * Keeps to HTTP/1.1, the only one that WebSockets begin with here, and refuses what is no proper request of it without a
 * word in the log: Vert.x and Quarkus would write an error for each, with a path that is the client's to choose.
 */
@Singleton
final class Http11Only implements HttpServerOptionsCustomizer {

    private static final int BAD_REQUEST = 400;

    @Override
    public void customizeHttpServer(HttpServerOptions options) {
        options.setHttp2ClearTextEnabled(false);
    }

    @Override
    public void customizeHttpsServer(HttpServerOptions options) {
        options.setUseAlpn(false);
    }

    void register(@Observes Router router) {
        router.route().order(Integer.MIN_VALUE).failureHandler(Http11Only::failed);
    }

    private static void failed(RoutingContext context) {
        if (context.statusCode() == BAD_REQUEST && context.failure() instanceof VertxException) {
            Problem problem = new Problem(BAD_REQUEST, "This is no request of HTTP/1.1");
            context.response()
                    .setStatusCode(problem.status())
                    .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                    .end(problem.json());
        } else {
            context.next();
        }
    }
}
