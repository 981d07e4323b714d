package dev.sluice.outbox;

import dev.sluice.config.OutboxConfig;
import dev.sluice.config.SluiceConfig;
import io.quarkus.runtime.configuration.MemorySize;
import io.vertx.core.Vertx;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.stream.StreamSupport;

/** Makes outboxes with the configured limits. */
@Singleton
public final class OutboxFactory {

    /** By default, this fraction of the maximum heap may wait for all connections. Waiting data is outside the heap. */
    private static final int HEAP_PARTS = 4;

    private final Outbox.Bounds bounds;
    private final OutboxMeters meters;

    // Deprecated, because Vert.x 5 does not have it; until then it is the public way to all loops.
    @SuppressWarnings("deprecation")
    @Inject
    OutboxFactory(SluiceConfig config, Vertx vertx, OutboxMeters meters) {
        this(config.outbox(), vertx.nettyEventLoopGroup(), meters);
    }

    /** Creates a factory for these event loops. */
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

    /** Creates an empty outbox, see {@link Outbox}. */
    public Outbox open(FrameWriter writer, Loop loop, Outbox.Owner owner) {
        return new Outbox(writer, loop, bounds, meters, owner);
    }

    /** Returns the maximum bytes of a batch of several publications, which always fits into an empty outbox. */
    public int maxBatchBytes() {
        return bounds.highWaterMark();
    }
}
