package dev.sluice.retain;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How much is kept, and how long. */
@ConfigMapping(prefix = "sluice.retain")
interface RetainConfig {

    /** The most channels of which the newest publication is kept. */
    @WithDefault("100000")
    int maxChannels();

    /** How long a publication is kept. */
    @WithDefault("15m")
    Duration maxAge();

    /** The most memory that names and payloads may take together. */
    @WithDefault("64M")
    MemorySize maxBytes();
}
