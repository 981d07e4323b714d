package dev.sluice.demo;

import io.quarkus.arc.profile.IfBuildProfile;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.handler.StaticHandler;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/** Serves the page of dev mode at {@code /}. */
@IfBuildProfile("dev")
@Singleton
final class DevPage {

    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
                    + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    void serve(@Observes Router router) {
        StaticHandler files = StaticHandler.create("demo").setCachingEnabled(false);
        router.get("/").handler(request -> request.reroute("/demo/index.html"));
        router.get("/demo/*").handler(request -> {
            request.response()
                    .putHeader("Content-Security-Policy", POLICY)
                    .putHeader("X-Content-Type-Options", "nosniff");
            files.handle(request);
        });
    }
}
