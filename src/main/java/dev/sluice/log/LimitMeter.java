package dev.sluice.log;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.jboss.logging.Logger;

/** Counts what one limit or rule refuses or cuts off, and says so once a minute. Safe for several threads. */
public final class LimitMeter {

    private static final Logger LOG = Logger.getLogger(LimitMeter.class);

    private final String limit;
    private final Counter refused;
    private final LogThrottle throttle = new LogThrottle();

    /**
     * A meter that has counted nothing.
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
     * @param what what it was, for the log, in whatever characters; empty where there is nothing to say
     */
    public void exceeded(String what) {
        refused.increment();
        long count = throttle.pass();
        if (count > 0) {
            LOG.warnf(
                    "Refused because of %s: %d%s; further ones are only counted for a minute",
                    limit, count, what.isEmpty() ? "" : ", the last of them " + LogSanitizer.text(what));
        }
    }
}
