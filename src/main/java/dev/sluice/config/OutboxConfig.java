package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** How much data may wait for slow connections, and how long. */
public interface OutboxConfig {

    /**
     * The maximum data that waits for one connection, in bytes of memory; at least twice {@link
     * SluiceConfig#maxPayload}.
     */
    @WithDefault("1M")
    @InRange(min = "16K", max = "2047M")
    MemorySize maxBytes();

    /**
     * The maximum data that waits for all connections, in bytes of memory, divided equally among the event loops; at
     * least {@link #maxBytes}. By default a quarter of the maximum heap. Beyond it, the connections with most data
     * waiting are closed.
     */
    Optional<@InRange(min = "16K") MemorySize> maxTotalBytes();

    /** How long a connection may accept none of its waiting data before it is closed. */
    @WithDefault("30s")
    @InRange(min = "1ms")
    Duration maxStall();

    /**
     * The maximum time of one flush, at least {@link #maxStall}. Without it, a client that reads a few bytes from time
     * to time could keep its outbox full forever.
     */
    @WithDefault("30m")
    @InRange(min = "1ms")
    Duration maxFlush();

    /** How frames are written to the socket. */
    @WithDefault("direct")
    Path wire();

    /** How frames are written to the socket. */
    enum Path {
        /** Encodes a frame once for all receivers, and writes it to the connection's Netty channel. */
        DIRECT,
        /** Writes each frame through Vert.x; required for compression. */
        STANDARD
    }
}
