package dev.sluice.registry;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.sluice.config.Scope;
import dev.sluice.route.Routes;
import java.time.Duration;

/** Lets the benchmarks at the registry. */
public final class Registries {

    private Registries() {}

    /** One in which nobody is. */
    public static Registry empty(Routes routes) {
        LingeringSubscriptions off =
                new LingeringSubscriptions(Duration.ZERO, 1, Scope.USER, 256, Ticker.disabledTicker());
        return new Registry(routes, Scope.USER, 256, Integer.MAX_VALUE, off);
    }
}
