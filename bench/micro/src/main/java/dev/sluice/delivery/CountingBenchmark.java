package dev.sluice.delivery;

import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What an event loop takes to count a publication that it has delivered, to however many of its connections: one that came
 * alone, and each of a run of several on one channel.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class CountingBenchmark {

    private static final int RUN = 32;

    private RouteMeters meters;
    private PublicationBatch one;
    private PublicationBatch several;

    @Setup
    public void setUp() {
        meters = new RouteMeters("upload", new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
        one = run();
        several = run();
        for (int i = 1; i < RUN; i++) {
            several.add(payload());
        }
    }

    @Benchmark
    public void alone() {
        count(one);
    }

    @Benchmark
    @OperationsPerInvocation(RUN)
    public void inBatch() {
        count(several);
    }

    private void count(PublicationBatch batch) {
        meters.delivered(batch, 1);
        meters.flushed(batch, System.nanoTime());
    }

    private static PublicationBatch run() {
        Routes routes = new Routes(
                List.of(new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.LAST, true)));
        Channel channel = Objects.requireNonNull(routes.resolve("upload:42"));
        return new PublicationBatch(channel, payload());
    }

    private static Payload payload() {
        return Payload.of(1, null, new byte[200], System.nanoTime());
    }
}
