package dev.sluice.publish;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.time.Duration;

/** How much may be published over HTTP. */
@ConfigMapping(prefix = "sluice")
interface PublishConfig {

    /** The largest payload; larger ones would not be delivered. */
    @WithDefault("256K")
    MemorySize maxPayload();

    /** How long a body may take to come, and how long Redis may take to confirm. */
    @WithName("publish.timeout")
    @WithDefault("2s")
    Duration timeout();

    /** How many requests may be under way; more are refused. */
    @WithName("publish.concurrency")
    @WithDefault("128")
    int concurrency();
}
