package dev.sluice.feed;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How the feed makes sure that it hears; how often it does so on a new connection is {@code sluice.canary.reconnect}. */
@ConfigMapping(prefix = "sluice.canary")
interface CanaryConfig {

    /** How often a beat is published. */
    @WithDefault("1s")
    Duration interval();

    /** So many beats in a row that are not heard mean that the link is dead, whatever its socket says. */
    @WithDefault("3")
    int missedBeats();
}
