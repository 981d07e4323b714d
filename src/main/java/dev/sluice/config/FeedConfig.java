package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/**
 * How the feed reconnects, and how far delivery may fall behind. The {@code quarkus.redis.*} keys give the address of
 * Redis.
 */
public interface FeedConfig {

    /** The maximum time to connect, subscribe and receive a first canary message. */
    @WithDefault("5s")
    @InRange(min = "1ms")
    Duration connectTimeout();

    /** The delay between attempts: doubled from {@code initial} up to {@code max}, with jitter. */
    Backoff backoff();

    /** Bounds of the delay between attempts. */
    interface Backoff {
        /** The longest delay before the first attempt. */
        @WithDefault("100ms")
        @InRange(min = "1ms")
        Duration initial();

        /** The longest delay before any attempt; at least {@code initial}. */
        @WithDefault("2s")
        @InRange(min = "1ms")
        Duration max();
    }

    /** How far the deliveries of an event loop may fall behind the subscription. */
    Pending pending();

    /** How far the deliveries of an event loop may fall behind the subscription. */
    interface Pending {
        /** The maximum backlog of one event loop, in bytes of memory; beyond it, reading from Redis pauses. */
        @WithDefault("16M")
        @InRange(min = "1")
        MemorySize maxBytes();

        /** How long reading may pause for one loop before its backlog is dropped. */
        @WithDefault("2s")
        @InRange(min = "1ms")
        Duration maxPause();
    }
}
