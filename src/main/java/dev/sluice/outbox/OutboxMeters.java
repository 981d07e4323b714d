package dev.sluice.outbox;

import dev.sluice.log.LimitMeter;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;

/** Metrics of waiting and dropped data. Thread-safe. */
@Singleton
public final class OutboxMeters {

    private final LongAdder pending = new LongAdder();
    private final Map<Route, Counter> missed = new HashMap<>();
    private final LimitMeter total;

    /** Registers the metrics. */
    public OutboxMeters(Routes routes, MeterRegistry metrics) {
        Gauge.builder("sluice.outbox.pending.bytes", pending, LongAdder::sum)
                .description("Memory charged for data that waits for connections")
                .baseUnit("bytes")
                .register(metrics);
        total = new LimitMeter("outbox-total-bytes", metrics);
        for (Route route : routes.all()) {
            missed.put(
                    route,
                    Counter.builder("sluice.missed")
                            .description("Publications dropped for a connection in favour of newer ones")
                            .tag("route", route.prefix())
                            .register(metrics));
        }
    }

    void pending(long change) {
        pending.add(change);
    }

    /** Counts a connection that ends because of the bound for all connections together. */
    void crowdedOut() {
        total.exceeded();
    }

    void missed(Route route, int count) {
        Objects.requireNonNull(missed.get(route)).increment(count);
    }
}
