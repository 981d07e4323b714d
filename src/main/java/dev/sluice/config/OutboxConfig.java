package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** How much memory a slow connection may take, and how long. */
public interface OutboxConfig {

    /** The maximum data that waits for one connection, in bytes of memory; at least twice the largest payload. */
    @WithDefault("1M")
    @InRange(min = "16K", max = "2047M")
    MemorySize maxBytes();

    /**
     * The maximum data that waits for all connections, in bytes of memory, divided equally among the event loops; at
     * least {@link #maxBytes}. By default a quarter of the maximum heap. Beyond it, the connections with most data
     * waiting are closed.
     */
    Optional<@InRange(min = "16K") MemorySize> maxTotalBytes();

    /** How long a connection may take none of its waiting data. */
    @WithDefault("30s")
    @InRange(min = "1ms")
    Duration maxStall();

    /**
     * The maximum time of one flush, even if the socket takes a little of it from time to time: otherwise such a client
     * would keep its outbox full for ever. At least {@link #maxStall}.
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
