package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** How much of what was published is kept for clients that come back, and how long. */
public interface HistoryConfig {

    /** How long a publication is kept; up to a sixteenth longer, as publications are discarded in blocks. */
    @WithDefault("2m")
    @InRange(min = "1s")
    Duration maxAge();

    /** The most memory that it takes, in bytes; never more than a quarter of the largest heap. */
    @WithDefault("64M")
    @InRange(min = "1M")
    MemorySize maxBytes();

    /**
     * The most that a client is sent of it at once, in bytes of memory; at most half of {@link OutboxConfig#maxBytes}, so
     * that there is room for what is published meanwhile. Where absent, that half.
     */
    Optional<@InRange(min = "1K") MemorySize> maxReplay();
}
