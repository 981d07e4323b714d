package dev.sluice.socket;

import dev.sluice.log.LimitMeter;
import dev.sluice.registry.Disconnected;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/** Counts who was refused and who left. */
@Singleton
final class SocketMeters {

    private final MeterRegistry metrics;
    private final LimitMeter origin;
    private final LimitMeter connectionsPerUser;
    private final LimitMeter maxFrame;

    SocketMeters(MeterRegistry metrics) {
        this.metrics = metrics;
        this.origin = new LimitMeter("origin", metrics);
        this.connectionsPerUser = new LimitMeter("connections-per-user", metrics);
        this.maxFrame = new LimitMeter("max-frame", metrics);
    }

    void authFailed(Refusal reason) {
        Counter.builder("sluice.auth.failures")
                .description("Attempts to authenticate that failed")
                .tag("reason", reason.tag())
                .register(metrics)
                .increment();
    }

    /** A page that may not connect. */
    void foreignOrigin() {
        origin.exceeded();
    }

    /** A user with as many connections as allowed. */
    void crowdedUser() {
        connectionsPerUser.exceeded();
    }

    /** A frame, or a message of several, that is larger than allowed. */
    void largeFrame() {
        maxFrame.exceeded();
    }

    void onDisconnected(@Observes Disconnected event) {
        Counter.builder("sluice.disconnects")
                .description("Connections that ended")
                .tag("reason", event.reason().tag())
                .register(metrics)
                .increment();
    }
}
