package dev.sluice.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;

/** What clients are told of users who join and leave channels, on routes with {@code presence=true}. */
public interface PresenceConfig {

    /** How long after a user's last connection to any pod others are told; longer than a reconnect takes. */
    @WithDefault("15s")
    @InRange(min = "0s", max = "10m")
    Duration grace();

    /** The maximum number of present users of a channel; with more, clients are told nothing. */
    @WithDefault("1000")
    @InRange(min = "1", max = "100000")
    int maxUsers();

    /**
     * The maximum number of pairs of a user and a channel on other pods, or in their grace, that a pod knows, each some
     * 300 bytes; with more, clients are told nothing.
     */
    @WithDefault("100000")
    @InRange(min = "1", max = "10000000")
    int maxKnown();
}
