package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/**
 * How the feed reconnects, and how far delivery may fall behind. The {@code quarkus.redis.*} keys give the address of
 * Redis.
 */
public interface FeedConfig {

    /** How the pod subscribes to channels. */
    enum Mode {
        /** By one pattern for each route, so that it hears every publication. */
        PATTERN,
        /** By the names of the channels that have listeners on this pod. */
        EXACT,
        /** Like exact, each on the shard of a Redis Cluster that it belongs to. Publishers must use SPUBLISH. */
        SHARDED
    }

    /** How the pod subscribes to channels. */
    @WithDefault("pattern")
    Mode mode();

    /** In modes {@code exact} and {@code sharded}: how long the subscription to a channel outlives its last listener. */
    @WithDefault("30s")
    @InRange(min = "0s", max = "1h")
    Duration linger();

    /** In modes {@code exact} and {@code sharded}: the maximum number of channels without listeners that the pod still subscribes to. */
    @WithDefault("10000")
    @InRange(min = "0", max = "1000000")
    int maxLingering();

    /** In modes {@code exact} and {@code sharded}: the number of channels beyond which clients can't subscribe to further ones. */
    @WithDefault("200000")
    @InRange(min = "1", max = "10000000")
    int maxChannels();

    /** In mode {@code sharded}: the number of masters beyond which the pod does not subscribe to further ones. */
    @WithDefault("200")
    @InRange(min = "1", max = "1000")
    int maxShards();

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
