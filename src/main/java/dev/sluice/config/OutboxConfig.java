package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** How much a connection that does not take what it is sent may cost, and how long. */
public interface OutboxConfig {

    /** The most that may wait for one connection, in bytes of memory; at least twice the largest payload. */
    @WithDefault("1M")
    @InRange(min = "16K", max = "2047M")
    MemorySize maxBytes();

    /**
     * The most that may wait for all connections of the pod, in bytes of memory, an equal part of it on each event loop; at
     * least {@link #maxBytes}. Where absent, a quarter of the largest heap. Above it, the connections for which most waits
     * are closed.
     */
    Optional<@InRange(min = "16K") MemorySize> maxTotalBytes();

    /** How long a connection may take nothing of what waits for it. */
    @WithDefault("30s")
    @InRange(min = "1ms")
    Duration maxStall();

    /**
     * How long one flush may take, however steadily the socket takes a little of it: a peer that takes a byte now and then would
     * else keep what its outbox holds for ever. At least {@link #maxStall}.
     */
    @WithDefault("30m")
    @InRange(min = "1ms")
    Duration maxFlush();

    /** How frames reach the socket. */
    @WithDefault("direct")
    Path wire();

    /** How frames reach the socket. */
    enum Path {
        /** Encoded once for all receivers and written to the connection's channel. */
        DIRECT,
        /** Written through Vert.x, one by one; what compression needs. */
        STANDARD
    }
}
