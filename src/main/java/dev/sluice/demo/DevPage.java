package dev.sluice.demo;

import io.quarkus.arc.profile.IfBuildProfile;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.handler.StaticHandler;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/** Serves the page that dev mode adds to the console. */
@IfBuildProfile("dev")
@Singleton
final class DevPage {

    private static final int BEFORE_THE_CONSOLE = -1;

    void serve(@Observes Router router) {
        StaticHandler files = StaticHandler.create("demo").setCachingEnabled(false);
        router.get("/demo/*").handler(files);
        router.get("/console/extras.js").order(BEFORE_THE_CONSOLE).handler(request -> request.reroute("/demo/demo.js"));
    }
}
