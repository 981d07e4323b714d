package dev.sluice.registry;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.sluice.outbox.DiscardingOutboxFactory;
import dev.sluice.outbox.Loop;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it takes that all listeners of one channel join, and that all leave at once as in a drain. Twice as many must take
 * about twice as long: the ratio of the two rows of one benchmark is to stay below 2.5.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
// No collection of garbage while it measures: its time depends on the size of the heap, not on the listeners.
@Fork(
        value = 2,
        jvmArgsAppend = {"-Xms4g", "-Xmx4g", "-Xmn3g"})
@Warmup(iterations = 20)
@Measurement(iterations = 20)
public class ListenersBenchmark {

    @Param({"10000", "20000"})
    int listeners;

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private Registry registry;
    private Channel channel;
    private List<Connection> joining;
    private List<Connection> leaving;

    @Setup(Level.Iteration)
    public void setUp() {
        Routes routes = new Routes(List.of(
                new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.LAST, true),
                new Route("user", Audience.USER, null, Overflow.CLOSE, Retain.NONE, true)));
        DiscardingOutboxFactory outboxes = new DiscardingOutboxFactory(routes);
        List<Loop> loops = List.of(new Loop(0, tasks::add), new Loop(1, tasks::add));
        channel = Objects.requireNonNull(routes.resolve("upload:42"));
        registry = Registries.empty(routes);
        joining = connections("j", outboxes, loops);
        joining.forEach(registry::add);
        leaving = connections("l", outboxes, loops);
        leaving.forEach(registry::add);
        leaving.forEach(connection -> registry.subscribe(connection, channel));
        runTasks();
        System.gc();
    }

    private List<Connection> connections(String prefix, DiscardingOutboxFactory outboxes, List<Loop> loops) {
        List<Connection> connections = new ArrayList<>();
        for (int i = 0; i < listeners; i++) {
            Loop loop = loops.get(i % loops.size());
            connections.add(new Connection(prefix + i, any -> true, outboxes.open(loop), loop, event -> {}));
        }
        return connections;
    }

    @Benchmark
    public void join() {
        joining.forEach(connection -> registry.subscribe(connection, channel));
        runTasks();
    }

    @Benchmark
    public void leave() {
        leaving.forEach(registry::remove);
        runTasks();
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    /** Makes the registry for the benchmarks. */
    public static final class Registries {

        private Registries() {}

        /** A registry without connections. */
        public static Registry empty(Routes routes) {
            LingeringSubscriptions off = new LingeringSubscriptions(
                    Duration.ZERO, 1, dev.sluice.config.Scope.USER, 256, Ticker.disabledTicker());
            return new Registry(routes, dev.sluice.config.Scope.USER, 256, Integer.MAX_VALUE, off);
        }
    }
}
