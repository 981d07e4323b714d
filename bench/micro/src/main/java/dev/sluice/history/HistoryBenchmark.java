package dev.sluice.history;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.config.HistoryConfig;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.quarkus.runtime.configuration.MemorySize;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
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

/** What it costs to keep a publication of 200 bytes in a full history, and to read what five channels had in it. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class HistoryBenchmark {

    static final int BATCH = 4000;

    /** As many times each channel is in the history, at least. */
    private static final int ROUNDS = 30;

    private static final Era ERA = new Era(1, 1);

    private final History history = Histories.standard();
    private final byte[][] publications = new byte[BATCH][];
    private final Channel[] channels = new Channel[BATCH];
    private long tick;
    private long sequence;
    private Position since;

    /** A history that has evicted, from near whose end the clients come back. */
    @Setup
    public void setUp() {
        Routes routes = new Routes(
                List.of(new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.LAST, true)));
        for (int i = 0; i < BATCH; i++) {
            String name = "upload:" + (100_000 + i);
            publications[i] = (name + "x".repeat(200)).getBytes(StandardCharsets.US_ASCII);
            channels[i] = routes.resolve(publications[i], name.length());
        }
        for (int i = 0; i < 4 * ROUNDS; i++) {
            append();
        }
        since = Position.of(ERA, tick - ROUNDS, 0, tick - ROUNDS);
    }

    /** One publication. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void append() {
        tick++;
        history.follow(Position.of(ERA, tick, 0, tick));
        long now = System.nanoTime();
        for (int i = 0; i < BATCH; i++) {
            history.append(++sequence, i + 1, channels[i], publications[i], now);
        }
    }

    /** What a client is sent that comes back: 31 publications of each of five channels. */
    @Benchmark
    public Replay read() {
        return history.read(since, List.of(channels[0], channels[1], channels[2], channels[3], channels[4]));
    }

    /** Makes the history for the benchmarks. */
    public static final class Histories {

        private record Config(Duration maxAge, MemorySize maxBytes, Optional<MemorySize> maxReplay)
                implements HistoryConfig {}

        private Histories() {}

        /** A history with the default configuration. */
        public static History standard() {
            return new History(
                    new Config(Duration.ofMinutes(2), size(64 << 20), Optional.empty()),
                    512 << 10,
                    256 << 10,
                    byte[]::new,
                    System::nanoTime);
        }

        private static MemorySize size(long bytes) {
            return new MemorySize(BigInteger.valueOf(bytes));
        }
    }
}
