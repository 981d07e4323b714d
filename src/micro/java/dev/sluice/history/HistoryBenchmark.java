package dev.sluice.history;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.List;
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

/** The cost of appending a publication of 200 bytes to a full history, and of reading five channels from it. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class HistoryBenchmark {

    static final int BATCH = 4000;

    /** The least number of publications of each channel in the history. */
    private static final int ROUNDS = 30;

    private static final Era ERA = new Era(1, 1);

    private final History history = TestHistory.standard();
    private final byte[][] publications = new byte[BATCH][];
    private final Channel[] channels = new Channel[BATCH];
    private long tick;
    private long sequence;
    private Position since;

    /** A history that has evicted, from near whose end the clients come back. */
    @Setup
    public void setUp() {
        for (int i = 0; i < BATCH; i++) {
            String name = "upload:" + (100_000 + i);
            publications[i] = (name + "x".repeat(200)).getBytes(StandardCharsets.US_ASCII);
            channels[i] = TestOutboxFactory.ROUTES.resolve(publications[i], name.length());
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
        history.commit();
    }

    /** What a client gets that resumes: 31 publications of each of five channels. */
    @Benchmark
    public Replay read() {
        return history.read(since, List.of(channels[0], channels[1], channels[2], channels[3], channels[4]));
    }
}
