package dev.sluice.delivery;

import dev.sluice.outbox.DiscardingOutboxFactory;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.registry.Connection;
import dev.sluice.registry.ListenersBenchmark.Registries;
import dev.sluice.registry.Registry;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a publication of 200 bytes costs from the lookup of its listeners until it is flushed to the outboxes of one event
 * loop, whose peers take everything at once: to one listener, which is the direct case, and to many.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class FanOutBenchmark {

    @Param({"1", "1000"})
    int listeners;

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private Registry registry;
    private DeliveryDispatcher deliveries;
    private Channel channel;
    private byte[] bytes;
    private long sequence;

    @Setup
    public void setUp() {
        Routes routes = new Routes(
                List.of(new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.NONE, true)));
        DiscardingOutboxFactory outboxes = new DiscardingOutboxFactory(routes);
        Loop loop = new Loop(0, tasks::add);
        channel = Objects.requireNonNull(routes.resolve("upload:42"));
        registry = Registries.empty(routes);
        deliveries = IdleDispatcher.of(registry, routes);
        bytes = new byte[200];
        for (int i = 0; i < listeners; i++) {
            Connection connection = new Connection("u" + i, any -> true, outboxes.open(loop), loop, event -> {});
            registry.add(connection);
            registry.subscribe(connection, channel);
        }
        runTasks();
    }

    @Benchmark
    public void deliver() {
        var those = Objects.requireNonNull(registry.listeners(channel));
        deliveries.deliver(channel, those, Payload.of(++sequence, null, bytes, System.nanoTime()));
        deliveries.handOver(null);
        runTasks();
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    /** Gives the benchmarks deliveries without a source, for publications that have no listener. */
    public static final class IdleDispatcher {

        private IdleDispatcher() {}

        /** Deliveries that can't pause anything. */
        public static DeliveryDispatcher of(Registry registry, Routes routes) {
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
                    routes,
                    new Backlog.Bounds(1 << 20, 1 << 16),
                    Duration.ofSeconds(2),
                    lagged -> {},
                    new SimpleMeterRegistry());
        }
    }
}
