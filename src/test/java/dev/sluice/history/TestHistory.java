package dev.sluice.history;

import dev.sluice.config.HistoryConfig;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import io.quarkus.runtime.configuration.MemorySize;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/** Makes histories for tests. */
public final class TestHistory {

    private record Config(Duration maxAge, MemorySize maxBytes, Optional<MemorySize> maxReplay)
            implements HistoryConfig {}

    private TestHistory() {}

    /** Returns a history with the default configuration. */
    public static History standard() {
        return with(64 << 20, 512 << 10, 256 << 10, byte[]::new, System::nanoTime);
    }

    static History with(long maxBytes, long maxReplay, int segment, IntFunction<byte[]> arrays, LongSupplier nanoTime) {
        return new History(config(maxBytes), maxReplay, segment, arrays, nanoTime);
    }

    private static HistoryConfig config(long maxBytes) {
        return new Config(Duration.ofMinutes(2), size(maxBytes), Optional.empty());
    }

    /** Returns the channel's name followed by the payload, as Redis sends them. */
    static byte[] publication(Channel channel, String payload) {
        byte[] name = channel.name().getBytes(StandardCharsets.UTF_8);
        byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
        byte[] both = Arrays.copyOf(name, name.length + bytes.length);
        System.arraycopy(bytes, 0, both, name.length, bytes.length);
        return both;
    }

    /** Returns another channel in the same slot. */
    static Channel collidingWith(Channel channel) {
        return IntStream.iterate(0, i -> i + 1)
                .mapToObj(i -> TestOutboxFactory.channel("user:" + i))
                .filter(other -> !other.equals(channel)
                        && PublicationLog.slotOfSingle(other.hashCode())
                                == PublicationLog.slotOfSingle(channel.hashCode()))
                .findFirst()
                .orElseThrow();
    }

    private static MemorySize size(long bytes) {
        return new MemorySize(BigInteger.valueOf(bytes));
    }
}
