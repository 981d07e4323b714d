package dev.sluice.feed;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How the feed reconnects. Where Redis is, is said by the {@code quarkus.redis.*} keys. */
@ConfigMapping(prefix = "sluice.feed")
interface FeedConfig {

    /** How long an attempt to connect, subscribe and hear a first beat may take before it is given up. */
    @WithDefault("5s")
    Duration connectTimeout();

    /** The delay between attempts: doubled from {@code initial} up to {@code max}, with jitter. */
    BackoffConfig backoff();

    /** Bounds of the delay. */
    interface BackoffConfig {
        /** The longest delay before the first attempt. */
        @WithDefault("100ms")
        Duration initial();

        /** The longest delay there is. */
        @WithDefault("2s")
        Duration max();
    }
}
