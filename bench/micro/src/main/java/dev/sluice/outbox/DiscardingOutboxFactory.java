package dev.sluice.outbox;

import dev.sluice.config.OutboxConfig;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.MemorySize;
import java.math.BigInteger;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Gives the benchmarks outboxes whose peers take everything at once. */
public final class DiscardingOutboxFactory {

    private record Config(
            MemorySize maxBytes, Optional<MemorySize> maxTotalBytes, Duration maxStall, Duration maxFlush, Path wire)
            implements OutboxConfig {}

    private static final class DiscardingWire implements FrameWriter {
        @Override
        public void write(Frame frame) {}

        @Override
        public void flush(Done done) {
            done.done(null);
        }

        @Override
        public void close(int code, String reason) {}

        @Override
        public void cut() {}
    }

    private final OutboxFactory outboxes;

    public DiscardingOutboxFactory(Routes routes) {
        Config config = new Config(
                new MemorySize(BigInteger.valueOf(1 << 20)),
                Optional.empty(),
                Duration.ofSeconds(30),
                Duration.ofMinutes(30),
                OutboxConfig.Path.DIRECT);
        outboxes = new OutboxFactory(config, List.of("the loop"), new OutboxMeters(routes, new SimpleMeterRegistry()));
    }

    public Outbox open(Loop loop) {
        return outboxes.open(new DiscardingWire(), loop, reason -> {});
    }
}
