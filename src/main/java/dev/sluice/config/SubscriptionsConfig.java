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
     * How long a user's subscriptions are kept for the user's next connection, on any pod; 0 disables it. Only with
     * scope {@code user}.
     */
    @WithDefault("60s")
    @InRange(min = "0s", max = "24h")
    Duration linger();

    /** The maximum memory of kept subscriptions, in bytes: 512 per user, and about 96 per channel plus its name. */
    @WithDefault("32M")
    @InRange(min = "1")
    MemorySize lingerMaxBytes();
}
