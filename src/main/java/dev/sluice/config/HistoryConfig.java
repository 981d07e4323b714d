package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** How many publications the history keeps for clients that resume, and how long. */
public interface HistoryConfig {

    /** How long a publication is kept; up to 1/16 longer, because publications are discarded in blocks. */
    @WithDefault("2m")
    @InRange(min = "1s")
    Duration maxAge();

    /** The maximum memory in bytes; never more than a quarter of the maximum heap. */
    @WithDefault("64M")
    @InRange(min = "1M")
    MemorySize maxBytes();

    /**
     * The maximum replay for one client, in bytes of memory. By default and at most half of {@link
     * OutboxConfig#maxBytes}, so that there is room for new publications.
     */
    Optional<@InRange(min = "1K") MemorySize> maxReplay();
}
