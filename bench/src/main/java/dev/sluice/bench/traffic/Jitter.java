package dev.sluice.bench.traffic;

import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;

/** A network that is gone for two seconds every five to ten seconds, and how that shows. */
public enum Jitter {
    /** The connection is reset when the network is lost. */
    RESET,
    /** The server is told nothing until the network is back; then the old connection is reset. */
    SILENT,
    EITHER;

    private static final Duration OUTAGE = Duration.ofSeconds(2);
    private static final Duration LEAST_CALM = Duration.ofSeconds(5);
    private static final Duration MOST_CALM = Duration.ofSeconds(10);

    /** The first time comes earlier, so that clients differ. */
    void begin(Listener client, BooleanSupplier lasts, EventLoop loop, RandomGenerator random) {
        schedule(Duration.ZERO, client, lasts, loop, random);
    }

    private void schedule(
            Duration least, Listener client, BooleanSupplier lasts, EventLoop loop, RandomGenerator random) {
        long nanos = random.nextLong(least.toNanos(), OUTAGE.plus(MOST_CALM).toNanos());
        loop.schedule(
                () -> {
                    if (lasts.getAsBoolean()) {
                        strike(client, random);
                        schedule(OUTAGE.plus(LEAST_CALM), client, lasts, loop, random);
                    }
                },
                nanos,
                TimeUnit.NANOSECONDS);
    }

    private void strike(Listener client, RandomGenerator random) {
        boolean reset = this == RESET || this == EITHER && random.nextBoolean();
        if (reset) {
            client.reset(OUTAGE);
        } else {
            client.fallSilent(OUTAGE);
        }
    }
}
