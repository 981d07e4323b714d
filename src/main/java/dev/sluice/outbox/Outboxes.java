package dev.sluice.outbox;

import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.runtime.configuration.MemorySize;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.function.Consumer;

/** Makes outboxes as configured. */
@Singleton
public final class Outboxes {

    /** The least that an outbox must hold to be of any use. */
    private static final int LEAST = 16 * 1024;

    private final Outbox.Bounds bounds;
    private final OutboxMeters meters;

    Outboxes(OutboxConfig config, OutboxMeters meters) {
        this.bounds = bounds(config.maxBytes(), config.maxStall());
        this.meters = meters;
    }

    private static Outbox.Bounds bounds(MemorySize maxBytes, Duration maxStall) {
        long bytes = maxBytes.asLongValue();
        if (bytes < LEAST || bytes > Integer.MAX_VALUE) {
            throw new ConfigurationException("sluice.outbox.max-bytes must be from 16K to 2047M, is " + bytes);
        }
        if (maxStall.toMillis() < 1) {
            throw new ConfigurationException("sluice.outbox.max-stall must be at least 1 ms, is " + maxStall);
        }
        return new Outbox.Bounds((int) bytes, maxStall.toNanos());
    }

    /** An outbox with nothing in it; what it needs is said in {@link Outbox}. */
    public Outbox open(Wire wire, Loop loop, Consumer<Disconnect> onFailure) {
        return new Outbox(wire, loop, bounds, meters, onFailure);
    }

    /** The most bytes that a run of several publications may have, so that it always fits into an empty outbox. */
    public int maxRun() {
        return bounds.full();
    }
}
