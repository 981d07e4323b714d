package dev.sluice.outbox;

import dev.sluice.config.OutboxConfig;
import dev.sluice.config.SluiceConfig;
import io.quarkus.runtime.configuration.MemorySize;
import io.vertx.core.Vertx;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.stream.StreamSupport;

/** Makes outboxes as configured. */
@Singleton
public final class OutboxFactory {

    /** The part of the largest heap that may wait for all connections by default. What waits is outside of the heap. */
    private static final int HEAP_PARTS = 4;

    private final Outbox.Bounds bounds;
    private final OutboxMeters meters;

    // Deprecated, as it is no part of Vert.x 5; until then it is the public way to all loops.
    @SuppressWarnings("deprecation")
    @Inject
    OutboxFactory(SluiceConfig config, Vertx vertx, OutboxMeters meters) {
        this(config.outbox(), vertx.nettyEventLoopGroup(), meters);
    }

    /** For as many event loops. */
    OutboxFactory(OutboxConfig config, Iterable<?> loops, OutboxMeters meters) {
        int maxBytes = (int) config.maxBytes().asLongValue();
        long total = config.maxTotalBytes()
                .map(MemorySize::asLongValue)
                .orElseGet(() -> Runtime.getRuntime().maxMemory() / HEAP_PARTS);
        long parts = StreamSupport.stream(loops.spliterator(), false).count();
        this.bounds = new Outbox.Bounds(
                maxBytes,
                Math.max(maxBytes, total / parts),
                config.maxStall().toNanos(),
                config.maxFlush().toNanos());
        this.meters = meters;
    }

    /** An outbox with nothing in it; what it needs is said in {@link Outbox}. */
    public Outbox open(FrameWriter writer, Loop loop, Outbox.Owner owner) {
        return new Outbox(writer, loop, bounds, meters, owner);
    }

    /** The most bytes that a run of several publications may have, so that it always fits into an empty outbox. */
    public int maxRun() {
        return bounds.full();
    }
}
