package dev.sluice.delivery;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How far an event loop may be behind what is read from Redis. */
@ConfigMapping(prefix = "sluice.feed.pending")
interface DeliveryConfig {

    /** The most that may wait for one event loop, in bytes of memory; beyond, reading from Redis pauses. */
    @WithDefault("16M")
    MemorySize maxBytes();

    /** How long reading may pause for the sake of a loop before what waits for it is dropped. */
    @WithDefault("2s")
    Duration maxPause();
}
