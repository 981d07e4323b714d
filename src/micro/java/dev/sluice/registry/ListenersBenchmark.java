package dev.sluice.registry;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
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
 * The time in which all listeners of one channel join, and in which all leave, as in a drain. It must grow linearly: the second row of each
 * benchmark has to stay below 2.5 times the first.
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

    private static final OutboxFactory OUTBOXES = TestOutboxFactory.standard();

    @Param({"10000", "20000"})
    int listeners;

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Channel channel = TestOutboxFactory.channel("upload:42");
    private Registry registry;
    private List<Connection> joining;
    private List<Connection> leaving;

    @Setup(Level.Iteration)
    public void setUp() {
        List<Loop> loops = List.of(new Loop(0, tasks::add), new Loop(1, tasks::add));
        registry = emptyRegistry();
        joining = connections("j", loops);
        joining.forEach(registry::add);
        leaving = connections("l", loops);
        leaving.forEach(registry::add);
        leaving.forEach(connection -> registry.subscribe(connection, channel));
        runTasks();
        System.gc();
    }

    private List<Connection> connections(String prefix, List<Loop> loops) {
        List<Connection> connections = new ArrayList<>();
        for (int i = 0; i < listeners; i++) {
            connections.add(connection(prefix + i, loops.get(i % loops.size())));
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

    /** A registry without connections. */
    public static Registry emptyRegistry() {
        LingeringSubscriptions off = new LingeringSubscriptions(
                Duration.ZERO, 1, dev.sluice.config.Scope.USER, 256, Ticker.disabledTicker());
        return new Registry(TestOutboxFactory.ROUTES, dev.sluice.config.Scope.USER, 256, Integer.MAX_VALUE, off);
    }

    /** A connection whose socket takes everything at once. */
    public static Connection connection(String user, Loop loop) {
        return new Connection(
                user, any -> true, OUTBOXES.open(new DiscardingWriter(), loop, reason -> {}), loop, event -> {});
    }

    private static final class DiscardingWriter implements FrameWriter {
        @Override
        public void write(Frame frame) {}

        @Override
        public void flush(Done done) {
            done.done(null);
        }

        @Override
        public void close(int code, String reason) {}

        @Override
        public void cut() {}
    }
}
