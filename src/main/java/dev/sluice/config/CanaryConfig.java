package dev.sluice.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;

/** The canary: messages that this pod publishes to Redis to prove that its subscription works. */
public interface CanaryConfig {

    /** The interval between canary messages. */
    @WithDefault("1s")
    @InRange(min = "1ms")
    Duration interval();

    /** The number of consecutive canary messages that must be lost before the feed treats the subscription as dead. */
    @WithDefault("3")
    @InRange(min = "1")
    int missedBeats();

    /**
     * The interval after which publishing connections are replaced with new ones to the configured address. It must
     * leave enough time to prove a new connection.
     */
    @WithDefault("15s")
    @InRange(min = "100ms")
    Duration reconnect();
}
