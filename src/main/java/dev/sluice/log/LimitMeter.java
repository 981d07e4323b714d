package dev.sluice.log;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.jboss.logging.Logger;

/** Counts the refusals of one limit or rule, and logs them once a minute. Thread-safe. */
public final class LimitMeter {

    private static final Logger LOG = Logger.getLogger(LimitMeter.class);

    private final String limit;
    private final Counter refused;
    private final LogThrottle throttle = new LogThrottle();

    /**
     * Registers a counter.
     *
     * @param limit the last part of the limit's key, or what else it is known by
     */
    public LimitMeter(String limit, MeterRegistry metrics) {
        this.limit = limit;
        this.refused = Counter.builder("sluice.refused")
                .description("What was refused because of a limit or rule")
                .tag("limit", limit)
                .register(metrics);
    }

    /** Something was refused. */
    public void exceeded() {
        exceeded("");
    }

    /**
     * Something was refused.
     *
     * @param what the refused thing, for the log; may have any characters; empty if unknown
     */
    public void exceeded(String what) {
        refused.increment();
        long count = throttle.pass();
        if (count > 0) {
            LOG.warnf(
                    "Sluice refused clients because of the limit %s; refusals: %d%s; the metric sluice.refused counts further ones",
                    limit, count, what.isEmpty() ? "" : ", the last of " + LogSanitizer.text(what));
        }
    }
}
