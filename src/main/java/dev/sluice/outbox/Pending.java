package dev.sluice.outbox;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.concurrent.atomic.LongAdder;

/** How many bytes the outboxes of this pod have handed to their sockets that no kernel has taken yet. */
@Singleton
public final class Pending {

    private final LongAdder bytes = new LongAdder();

    /** None yet; shown as a gauge. */
    public Pending(MeterRegistry metrics) {
        Gauge.builder("sluice.outbox.pending.bytes", bytes, LongAdder::sum)
                .description("Bytes on their way to connections that the kernel has not taken yet")
                .baseUnit("bytes")
                .register(metrics);
    }

    void add(int count) {
        bytes.add(count);
    }

    /** The sum now; moments apart from each addition. */
    long bytes() {
        return bytes.sum();
    }
}
