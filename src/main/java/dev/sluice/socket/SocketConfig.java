package dev.sluice.socket;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What clients may do. */
@ConfigMapping(prefix = "sluice")
interface SocketConfig {

    /** Origins whose pages may connect; where absent, those of the host the request is for. */
    Optional<List<String>> origins();

    /** How long a client may take to send its auth frame. */
    @WithName("auth.timeout")
    @WithDefault("5s")
    Duration authTimeout();

    /** How often a sign of life is sent. */
    @WithName("heartbeat.interval")
    @WithDefault("30s")
    Duration heartbeatInterval();

    /** The largest frame, and the largest message made of several, that a client may send. */
    @WithDefault("32K")
    MemorySize maxFrame();
}
