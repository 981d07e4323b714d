package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** The owner of subscriptions, and how long they outlive a connection. */
public interface SubscriptionsConfig {

    /** The owner of a subscription. */
    @WithDefault("user")
    Scope scope();

    /**
     * How long the subscriptions of a user are kept for the user's next connection, on whichever pod; 0 switches it off. With
     * scope {@code user} only.
     */
    @WithDefault("60s")
    @InRange(min = "0s", max = "24h")
    Duration linger();

    /** Memory for what is kept so, in bytes, of which a user takes 512 and a channel about 96 besides the name. */
    @WithDefault("32M")
    @InRange(min = "1")
    MemorySize lingerMaxBytes();
}
