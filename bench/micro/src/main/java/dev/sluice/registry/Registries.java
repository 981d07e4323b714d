package dev.sluice.registry;

import dev.sluice.route.Routes;

/** Lets the benchmarks at the registry. */
public final class Registries {

    private Registries() {}

    /** One in which nobody is. */
    public static Registry empty(Routes routes) {
        return new Registry(routes, Scope.USER, 256, Integer.MAX_VALUE);
    }
}
