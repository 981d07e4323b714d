package dev.sluice.registry;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;

/** To whom subscriptions belong, and how many of what one user may have. */
@ConfigMapping(prefix = "sluice")
interface RegistryConfig {

    /** To whom a subscription belongs. */
    @WithName("subscriptions.scope")
    @WithDefault("user")
    Scope scope();

    /** How many channels one user, or with scope {@code connection} one connection, may listen to; at least 1. */
    @WithName("limits.subscriptions-per-user")
    @WithDefault("256")
    int subscriptionsPerUser();

    /** How many connections to this pod one user may have; at least 1. */
    @WithName("limits.connections-per-user")
    @WithDefault("32")
    int connectionsPerUser();
}
