package dev.sluice.socket;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts what one limit or rule refuses. */
final class LimitMeter {

    private final Counter refused;

    /** By the last part of the limit's key. */
    LimitMeter(String limit, MeterRegistry metrics) {
        this.refused = Counter.builder("sluice.refused")
                .description("What was refused because of a limit or rule")
                .tag("limit", limit)
                .register(metrics);
    }

    void exceeded() {
        refused.increment();
    }
}
