package dev.sluice.history;

import dev.sluice.config.HistoryConfig;
import io.quarkus.runtime.configuration.MemorySize;
import java.math.BigInteger;
import java.time.Duration;

/** History for tests. */
public final class TestHistory {

    record Config(Duration maxAge, MemorySize maxBytes, MemorySize maxReplay) implements HistoryConfig {
        Config(Duration maxAge, long maxBytes, long maxReplay) {
            this(maxAge, new MemorySize(BigInteger.valueOf(maxBytes)), new MemorySize(BigInteger.valueOf(maxReplay)));
        }
    }

    private TestHistory() {}

    /** As it is configured by default, with other bounds. */
    public static History with(long maxBytes, long maxReplay) {
        return new History(new Config(Duration.ofMinutes(2), maxBytes, maxReplay));
    }
}
