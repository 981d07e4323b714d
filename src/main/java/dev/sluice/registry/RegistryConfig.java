package dev.sluice.registry;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.time.Duration;

/** To whom subscriptions belong, and how many of what one user may have. */
@ConfigMapping(prefix = "sluice")
interface RegistryConfig {

    /** To whom a subscription belongs. */
    @WithName("subscriptions.scope")
    @WithDefault("user")
    Scope scope();

    /**
     * How long what a user was subscribed to is kept for the user's next connection, on whichever pod; 0 to 24 h, 0 switches
     * it off. With scope {@code user} only.
     */
    @WithName("subscriptions.linger")
    @WithDefault("60s")
    Duration linger();

    /** Memory for what is kept so, in bytes, of which a user takes 512 and a channel about 96 besides the name; at least 1. */
    @WithName("subscriptions.linger-max-bytes")
    @WithDefault("32M")
    MemorySize lingerMaxBytes();

    /** How many channels one user, or with scope {@code connection} one connection, may listen to; at least 1. */
    @WithName("limits.subscriptions-per-user")
    @WithDefault("256")
    int subscriptionsPerUser();

    /** How many connections to this pod one user may have; at least 1. */
    @WithName("limits.connections-per-user")
    @WithDefault("32")
    int connectionsPerUser();
}
