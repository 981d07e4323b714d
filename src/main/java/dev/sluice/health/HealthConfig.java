package dev.sluice.health;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.time.Duration;

/** What the probes ask for. */
@ConfigMapping(prefix = "sluice")
interface HealthConfig {

    /** How readiness depends on Redis. */
    enum RedisReadiness {
        /** Ready only while the feed is live. */
        ALWAYS,
        /** Ready once the feed has been live: through an outage clients stay, are told of the gap, and new ones come. */
        STARTUP
    }

    /** How readiness depends on Redis. */
    @WithName("readiness.redis")
    @WithDefault("always")
    RedisReadiness readinessRedis();

    /** An event loop that is busy with one thing for longer makes liveness fail. */
    @WithName("liveness.max-block")
    @WithDefault("10s")
    Duration livenessMaxBlock();
}
