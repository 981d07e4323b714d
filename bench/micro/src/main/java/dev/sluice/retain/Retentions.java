package dev.sluice.retain;

import dev.sluice.config.RetainConfig;
import io.quarkus.runtime.configuration.MemorySize;
import java.math.BigInteger;
import java.time.Duration;

/** Makes the retention for the benchmarks. */
public final class Retentions {

    private record Config(int maxChannels, Duration maxAge, MemorySize maxBytes) implements RetainConfig {}

    private Retentions() {}

    /** A retention with the default configuration. */
    public static Retention standard() {
        return new Retention(
                new Config(100_000, Duration.ofMinutes(15), new MemorySize(BigInteger.valueOf(64L << 20))),
                System::nanoTime);
    }
}
