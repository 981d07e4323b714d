package dev.sluice.retain;

import dev.sluice.config.RetainConfig;
import io.quarkus.runtime.configuration.MemorySize;
import java.math.BigInteger;
import java.time.Duration;

/** Makes retentions for tests of other packages. */
public final class TestRetention {

    record Config(int maxChannels, Duration maxAge, MemorySize maxBytes) implements RetainConfig {
        Config(int maxChannels, Duration maxAge, long maxBytes) {
            this(maxChannels, maxAge, new MemorySize(BigInteger.valueOf(maxBytes)));
        }
    }

    private TestRetention() {}

    /** Returns a retention that only the number bounds. */
    public static Retention with(int maxChannels) {
        return new Retention(new Config(maxChannels, Duration.ofDays(1), 1L << 40), System::nanoTime);
    }
}
