package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How many publications are retained, and how long. */
public interface RetainConfig {

    /** The maximum number of channels with a retained publication. */
    @WithDefault("100000")
    @InRange(min = "1")
    int maxChannels();

    /** How long a publication is kept. */
    @WithDefault("15m")
    @InRange(min = "1ms")
    Duration maxAge();

    /** The maximum memory of names and payloads, in bytes. */
    @WithDefault("64M")
    @InRange(min = "1")
    MemorySize maxBytes();
}
