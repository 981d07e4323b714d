package dev.sluice.config;

import dev.sluice.route.Audience;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/** Makes the configured routes. */
@Singleton
final class RoutesFactory {

    @Produces
    @Singleton
    Routes routes(SluiceConfig config) {
        return new Routes(config.routes().entrySet().stream()
                .map(entry -> route(entry.getKey(), entry.getValue()))
                .toList());
    }

    private static Route route(String prefix, RouteConfig config) {
        return new Route(
                prefix,
                config.audience(),
                config.audience() == Audience.SUBSCRIBERS ? config.access().orElseThrow() : null,
                config.overflow(),
                config.retain(),
                config.history() && !config.source().readsStreams(),
                config.source(),
                config.presence());
    }
}
