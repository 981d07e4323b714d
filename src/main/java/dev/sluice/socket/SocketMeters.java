package dev.sluice.socket;

import dev.sluice.registry.Disconnected;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/** Counts who was refused and who left. */
@Singleton
final class SocketMeters {

    private final MeterRegistry metrics;

    SocketMeters(MeterRegistry metrics) {
        this.metrics = metrics;
    }

    void authFailed(Refusal reason) {
        Counter.builder("sluice.auth.failures")
                .description("Attempts to authenticate that failed")
                .tag("reason", reason.tag())
                .register(metrics)
                .increment();
    }

    void refused(String limit) {
        refused(limit, metrics).increment();
    }

    void onDisconnected(@Observes Disconnected event) {
        Counter.builder("sluice.disconnects")
                .description("Connections that ended")
                .tag("reason", event.reason().tag())
                .register(metrics)
                .increment();
    }

    static Counter refused(String limit, MeterRegistry metrics) {
        return Counter.builder("sluice.refused")
                .description("What was refused because of a limit or rule")
                .tag("limit", limit)
                .register(metrics);
    }
}
