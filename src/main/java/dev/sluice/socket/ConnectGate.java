package dev.sluice.socket;

import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.quarkus.vertx.http.runtime.security.SecurityHandlerPriorities;
import io.quarkus.websockets.next.HandshakeRequest;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/**
 * Refuses upgrades above {@link ConnectRate}, and those for which there is no place, before anything else is done for
 * them: behind authentication and WebSockets Next, being refused costs half as much again.
 */
@Singleton
final class ConnectGate {

    private final ConnectRate rate;
    private final Places places;
    private final LimitMeter tooFast;

    ConnectGate(ConnectRate rate, Places places, MeterRegistry metrics) {
        this.rate = rate;
        this.places = places;
        this.tooFast = new LimitMeter("connects-per-second", metrics);
    }

    void register(@Observes Filters filters) {
        filters.register(this::pass, SecurityHandlerPriorities.CORS + 1);
    }

    private void pass(RoutingContext context) {
        HttpServerRequest request = context.request();
        if (!isUpgrade(request)) {
            context.next();
            return;
        }
        Places.Full full = places.full(request);
        if (full != null) {
            refuse(context, full.status());
        } else if (rate.admit()) {
            context.next();
        } else {
            tooFast.exceeded();
            refuse(context, 503);
        }
    }

    private static void refuse(RoutingContext context, int status) {
        // Whoever is refused has no use for the connection, and here it would take up room.
        context.response()
                .setStatusCode(status)
                .putHeader(HttpHeaders.RETRY_AFTER, RetryAfter.seconds())
                .putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE)
                .end()
                .onComplete(ended -> context.request().connection().close());
    }

    /** By what WebSockets Next goes by. */
    private static boolean isUpgrade(HttpServerRequest request) {
        return request.headers().contains(HandshakeRequest.SEC_WEBSOCKET_KEY)
                && request.path().startsWith("/ws");
    }
}
