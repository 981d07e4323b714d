package dev.sluice.delivery;

import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Connection;
import dev.sluice.registry.ListenersBenchmark;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The cost of delivering a publication of 200 bytes, and of counting it. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class DeliveryBenchmark {

    private static final int RUN = 32;

    /** The listeners of one channel on one event loop; their sockets take everything at once. One listener is the direct case. */
    @State(Scope.Thread)
    public static class Listeners {

        @Param({"1", "1000"})
        int listeners;

        private final Queue<Runnable> tasks = new ArrayDeque<>();
        private final Channel channel = TestOutboxFactory.channel("upload:42");
        private final Registry registry = ListenersBenchmark.emptyRegistry();
        private final DeliveryDispatcher deliveries = idleDispatcher(registry);
        private final byte[] bytes = new byte[200];
        private long sequence;

        @Setup
        public void setUp() {
            Loop loop = new Loop(0, tasks::add);
            for (int i = 0; i < listeners; i++) {
                Connection connection = ListenersBenchmark.connection("u" + i, loop);
                registry.add(connection);
                registry.subscribe(connection, channel);
            }
            runTasks();
        }

        private void runTasks() {
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
            }
        }
    }

    /** Publications that an event loop counts: one that came alone, and several of one channel. */
    @State(Scope.Thread)
    public static class Counted {

        private final RouteMeters meters =
                new RouteMeters("upload", new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
        private final DeliveryCounts counts = new DeliveryCounts();
        private final PublicationBatch one = batch();
        private final PublicationBatch several = batch();

        @Setup
        public void setUp() {
            for (int i = 1; i < RUN; i++) {
                several.add(payload());
            }
        }

        private void count(PublicationBatch batch) {
            counts.turnTo(meters);
            counts.accept(batch, 1);
            counts.report();
            meters.flushed(batch, System.nanoTime());
        }

        private static PublicationBatch batch() {
            return new PublicationBatch(TestOutboxFactory.channel("upload:42"), payload());
        }

        private static Payload payload() {
            return Payload.of(1, null, new byte[200], System.nanoTime());
        }
    }

    /** From the lookup of the listeners until the flush of their outboxes. */
    @Benchmark
    public void deliver(Listeners to) {
        var listeners = Objects.requireNonNull(to.registry.listeners(to.channel));
        to.deliveries.deliver(to.channel, listeners, Payload.of(++to.sequence, null, to.bytes, System.nanoTime()));
        to.deliveries.handOver(null);
        to.runTasks();
    }

    @Benchmark
    public void countOne(Counted counted) {
        counted.count(counted.one);
    }

    @Benchmark
    @OperationsPerInvocation(RUN)
    public void countInBatch(Counted counted) {
        counted.count(counted.several);
    }

    /** A dispatcher without a feed. */
    public static DeliveryDispatcher idleDispatcher(Registry registry) {
        Source none = new Source() {
            @Override
            public void pause() {}

            @Override
            public void resume() {}

            @Override
            public void execute(Runnable task) {}

            @Override
            public void execute(Runnable task, Duration delay) {}
        };
        return new DeliveryDispatcher(
                none,
                registry,
                TestOutboxFactory.ROUTES,
                new Backlog.Bounds(1 << 20, 1 << 16),
                Duration.ofSeconds(2),
                lagged -> {},
                new SimpleMeterRegistry());
    }
}
