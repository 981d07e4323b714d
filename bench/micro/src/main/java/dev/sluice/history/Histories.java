package dev.sluice.history;

import dev.sluice.config.HistoryConfig;
import io.quarkus.runtime.configuration.MemorySize;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Optional;

/** Lets the benchmarks at the history. */
public final class Histories {

    private record Config(Duration maxAge, MemorySize maxBytes, Optional<MemorySize> maxReplay)
            implements HistoryConfig {}

    private Histories() {}

    /** As it comes. */
    public static History standard() {
        return new History(
                new Config(Duration.ofMinutes(2), size(64 << 20), Optional.empty()),
                512 << 10,
                256 << 10,
                byte[]::new,
                System::nanoTime);
    }

    private static MemorySize size(long bytes) {
        return new MemorySize(BigInteger.valueOf(bytes));
    }
}
