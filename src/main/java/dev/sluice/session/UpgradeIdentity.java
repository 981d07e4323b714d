package dev.sluice.session;

import dev.sluice.http.WebSocketPath;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.quarkus.vertx.http.runtime.security.QuarkusHttpUser;
import io.quarkus.vertx.http.runtime.security.SecurityHandlerPriorities;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/**
 * Keeps Quarkus's own identity out of upgrade requests: {@link UpgradeCheck} sees to their tokens, and for the sake of
 * that identity, which nobody asks for, each WebSocket would keep the whole context of its request, some 3 KB.
 */
@Singleton
final class UpgradeIdentity {

    void register(@Observes Filters filters) {
        filters.register(UpgradeIdentity::forget, SecurityHandlerPriorities.AUTHORIZATION - 1);
    }

    private static void forget(RoutingContext context) {
        if (WebSocketPath.isServed(context)) {
            context.remove(QuarkusHttpUser.DEFERRED_IDENTITY_KEY);
        }
        context.next();
    }
}
