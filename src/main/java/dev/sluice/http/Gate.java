package dev.sluice.http;

import dev.sluice.access.Origins;
import io.quarkus.runtime.configuration.MemorySize;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/**
 * What every request over HTTP must pass before anything else is done for it, except those for a WebSocket, which have a
 * gate of their own.
 */
@Singleton
final class Gate {

    /** Before Quarkus's authentication (200) and CORS (300). */
    private static final int FIRST = 1000;

    private final Origins origins;
    private final long maxBody;

    Gate(Origins origins, @ConfigProperty(name = "quarkus.http.limits.max-body-size") Optional<MemorySize> maxBody) {
        this.origins = origins;
        this.maxBody = maxBody.map(MemorySize::asLongValue).orElse(Long.MAX_VALUE);
    }

    void register(@Observes Filters filters) {
        filters.register(this::pass, FIRST);
    }

    private void pass(RoutingContext context) {
        if (WebSocketPath.isServed(context)) {
            context.next();
            return;
        }
        if (expectsContinue(context.request())) {
            closeUnlessContinued(context);
        }
        Problem problem = problem(context.request());
        if (problem == null) {
            context.next();
        } else {
            // What else the request brings is dropped as it comes: closing at once would take the answer with it.
            context.response()
                    .setStatusCode(problem.status())
                    .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                    .end(problem.json());
        }
    }

    /** Whether the request waits for 100 (Continue) before it sends its body, and has not been sent it. */
    private static boolean expectsContinue(HttpServerRequest request) {
        return "100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT));
    }

    /** A client that was refused before it has sent its body may or may not send it: no other request can follow. */
    private static void closeUnlessContinued(RoutingContext context) {
        context.addHeadersEndHandler(written -> {
            if (expectsContinue(context.request())) {
                context.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
            }
        });
        context.addEndHandler(ended -> {
            if (expectsContinue(context.request())) {
                context.request().connection().close();
            }
        });
    }

    private @Nullable Problem problem(HttpServerRequest request) {
        if (!origins.allow(request)) {
            return new Problem(403, "Pages of this origin may not ask");
        }
        if (request.path().indexOf(';') >= 0) {
            // Would be cut off as a parameter of the path, and something else be meant than what was asked for.
            return new Problem(400, "A ';' in a path must be written as %3B");
        }
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        if (length != null && tooLong(length)) {
            return new Problem(413, "The body is larger than " + maxBody + " bytes");
        }
        return null;
    }

    private boolean tooLong(String length) {
        try {
            return Long.parseLong(length) > maxBody;
        } catch (NumberFormatException e) {
            return true;
        }
    }
}
