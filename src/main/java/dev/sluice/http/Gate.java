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
 * Checks every HTTP request before any other handler does: its origin, path and size. Requests for a WebSocket path
 * have checks of their own.
 */
@Singleton
final class Gate {

    /** The priority: before Quarkus's authentication (200) and CORS (300). */
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
            if (EventStreamPath.isServed(context)) {
                EventStreamPath.allowOrigin(context.request());
            }
            context.next();
        } else {
            // The rest of the request is read and discarded: an immediate close could destroy the response.
            context.response()
                    .setStatusCode(problem.status())
                    .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                    .end(problem.json());
        }
    }

    /** Whether the client still waits for 100 (Continue) before it sends the body. */
    private static boolean expectsContinue(HttpServerRequest request) {
        return "100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT));
    }

    /**
     * Closes the connection after a response without 100 (Continue): the client may or may not send the body, so the
     * start of the next request is unknown.
     */
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
            return new Problem(403, "This origin is not allowed");
        }
        if (request.path().indexOf(';') >= 0) {
            // The router would cut it off as a path parameter, and the request would apply to another name.
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
