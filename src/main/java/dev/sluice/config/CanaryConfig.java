package dev.sluice.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How the feed makes sure that it hears. */
public interface CanaryConfig {

    /** How often a canary message is published. */
    @WithDefault("1s")
    @InRange(min = "1ms")
    Duration interval();

    /** So many canary messages in a row that are not heard mean that the subscription is dead, whatever its socket says. */
    @WithDefault("3")
    @InRange(min = "1")
    int missedBeats();

    /** The time after which the connections that publish are replaced by new ones to the configured address; sooner, they might not
     * have been proven. */
    @WithDefault("15s")
    @InRange(min = "100ms")
    Duration reconnect();
}
