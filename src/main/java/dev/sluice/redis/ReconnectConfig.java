package dev.sluice.redis;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.time.Duration;

/** How often connections to Redis are made anew. */
@ConfigMapping(prefix = "sluice")
public interface ReconnectConfig {

    /** The time after which the connections that publish are replaced by new ones to the configured address. */
    @WithName("canary.reconnect")
    @WithDefault("15s")
    Duration reconnect();
}
