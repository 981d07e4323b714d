package dev.sluice.http;

import io.vertx.core.VertxException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/**
 * Answers requests that are not HTTP/1.1, for example without a host. Quarkus would log an error with a stack trace for
 * each, and with a path that the client chooses: see the attack {@code malformed-requests}.
 */
@Singleton
final class MalformedRequestHandler {

    private static final int BAD_REQUEST = 400;

    void register(@Observes Router router) {
        router.route().order(Integer.MIN_VALUE).failureHandler(MalformedRequestHandler::failed);
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
