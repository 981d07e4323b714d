package dev.sluice.socket;

import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.Channel;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** What those who speak HTTP are allowed; whoever goes beyond it is cut off. */
@Startup
@Singleton
final class RequestLimits {

    /** Requests of one connection that are not answered yet; browsers send them one at a time. */
    static final int MAX_UNANSWERED = 32;

    private final Duration timeout;
    private final LimitMeter tooSlow;
    private final LimitMeter tooMany;

    @Inject
    RequestLimits(SocketConfig config, MeterRegistry metrics) {
        this(config.requestTimeout(), metrics);
    }

    RequestLimits(Duration timeout, MeterRegistry metrics) {
        this.timeout = timeout;
        if (timeout.toMillis() < 1) {
            throw new ConfigurationException("sluice.http.request-timeout must be at least 1 ms, is " + timeout);
        }
        this.tooSlow = new LimitMeter("request-timeout", metrics);
        this.tooMany = new LimitMeter("pipelined-requests", metrics);
    }

    /** Cuts the connection off when its time is up, unless the result is cancelled. */
    Future<?> deadline(Channel channel) {
        return channel.eventLoop()
                .schedule(
                        () -> {
                            tooSlow.exceeded();
                            ConnectionGuard.cut(channel);
                        },
                        timeout.toNanos(),
                        TimeUnit.NANOSECONDS);
    }

    /** Cuts off a connection that asks on and on without awaiting an answer. */
    void cutPipelining(Channel channel) {
        tooMany.exceeded();
        ConnectionGuard.cut(channel);
    }
}
