package dev.sluice.session;

import dev.sluice.history.Replay.Reason;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Counts requests to resume, and replayed publications. */
@Singleton
final class ResumeMeters {

    private final Counter recovered;
    private final Map<Reason, Counter> refused = new EnumMap<>(Reason.class);
    private final Counter replayed;

    ResumeMeters(MeterRegistry metrics) {
        // Registered at 0 so that Prometheus rate() sees the first increment.
        this.recovered = resumes("recovered", metrics);
        Arrays.stream(Reason.values())
                .forEach(reason -> refused.put(reason, resumes(reason.name().toLowerCase(Locale.ROOT), metrics)));
        this.replayed = Counter.builder("sluice.replayed")
                .description("Publications sent from the history")
                .register(metrics);
    }

    /** Counts a request to resume that was granted ({@code null}) or refused. */
    void resumed(@Nullable Reason refusal) {
        Counter counter = refusal == null ? recovered : Objects.requireNonNull(refused.get(refusal));
        counter.increment();
    }

    void replayed(int publications) {
        replayed.increment(publications);
    }

    private static Counter resumes(String outcome, MeterRegistry metrics) {
        return Counter.builder("sluice.resumes")
                .description("Requests of clients to resume from a position")
                .tag("outcome", outcome)
                .register(metrics);
    }
}
