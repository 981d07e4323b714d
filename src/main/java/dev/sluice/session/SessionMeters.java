package dev.sluice.session;

import dev.sluice.log.LimitMeter;
import dev.sluice.outbox.Disconnect;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.Dialect;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Disconnected;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/** Counts refused clients, ended connections, and publications that clients could not be sent. */
@Singleton
final class SessionMeters {

    private final MeterRegistry metrics;
    private final LimitMeter connectionsPerUser;
    private final LimitMeter maxFrame;

    SessionMeters(MeterRegistry metrics) {
        this.metrics = metrics;
        this.connectionsPerUser = new LimitMeter("connections-per-user", metrics);
        this.maxFrame = new LimitMeter("max-frame", metrics);
        FunctionCounter.builder("sluice.centrifuge.binary", Dialect.CENTRIFUGE, ChannelDialect::binary)
                .description(
                        "Publications that clients on Centrifugo's SDKs did not get, because the payload is not UTF-8")
                .register(metrics);
        // Registered at 0 so that Prometheus rate() sees the first increment.
        for (Refusal reason : Refusal.values()) {
            authFailures(reason);
        }
        for (Disconnect reason : Disconnect.values()) {
            disconnects(reason);
        }
    }

    void authFailed(Refusal reason) {
        authFailures(reason).increment();
    }

    /** Counts a refusal because the user has the maximum number of connections. */
    void userLimitReached() {
        connectionsPerUser.exceeded();
    }

    /** Counts a frame or message that is too large. */
    void largeFrame() {
        maxFrame.exceeded();
    }

    void onDisconnected(@Observes Disconnected event) {
        disconnects(event.reason()).increment();
    }

    private Counter authFailures(Refusal reason) {
        return Counter.builder("sluice.auth.failures")
                .description("Attempts to authenticate that failed")
                .tag("reason", reason.tag())
                .register(metrics);
    }

    private Counter disconnects(Disconnect reason) {
        return Counter.builder("sluice.disconnects")
                .description("Authenticated connections that ended")
                .tag("reason", reason.tag())
                .register(metrics);
    }
}
