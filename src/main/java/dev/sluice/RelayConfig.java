package dev.sluice;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** What the relay passes on. */
@ConfigMapping(prefix = "sluice")
interface RelayConfig {

    /** The largest payload that is delivered; larger ones are dropped and counted. */
    @WithDefault("256K")
    MemorySize maxPayload();
}
