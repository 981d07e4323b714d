package dev.sluice.http;

import io.vertx.core.VertxException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/**
 * Responds with 400 to invalid HTTP/1.1 requests, for example without a Host header. Quarkus would log each of them as
 * an error, with a stack trace and the path, which the client chooses: see the attack {@code malformed-requests}.
 */
@Singleton
final class MalformedRequestHandler {

    private static final int BAD_REQUEST = 400;

    void register(@Observes Router router) {
        router.route().order(Integer.MIN_VALUE).failureHandler(MalformedRequestHandler::failed);
    }

    private static void failed(RoutingContext context) {
        if (context.statusCode() == BAD_REQUEST && context.failure() instanceof VertxException) {
            Problem problem = new Problem(BAD_REQUEST, "The request is not valid HTTP/1.1");
            context.response()
                    .setStatusCode(problem.status())
                    .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                    .end(problem.json());
        } else {
            context.next();
        }
    }
}
