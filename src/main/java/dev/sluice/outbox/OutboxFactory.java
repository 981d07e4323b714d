package dev.sluice.outbox;

import dev.sluice.config.OutboxConfig;
import dev.sluice.config.SluiceConfig;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Consumer;

/** Makes outboxes as configured. */
@Singleton
public final class OutboxFactory {

    private final Outbox.Bounds bounds;
    private final OutboxMeters meters;

    @Inject
    OutboxFactory(SluiceConfig config, OutboxMeters meters) {
        this(config.outbox(), meters);
    }

    OutboxFactory(OutboxConfig config, OutboxMeters meters) {
        this.bounds = new Outbox.Bounds(
                (int) config.maxBytes().asLongValue(), config.maxStall().toNanos());
        this.meters = meters;
    }

    /** An outbox with nothing in it; what it needs is said in {@link Outbox}. */
    public Outbox open(FrameWriter wire, Loop loop, Consumer<Disconnect> onFailure) {
        return new Outbox(wire, loop, bounds, meters, onFailure);
    }

    /** The most bytes that a run of several publications may have, so that it always fits into an empty outbox. */
    public int maxRun() {
        return bounds.full();
    }
}
