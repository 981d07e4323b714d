package dev.sluice.bench.work;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.bench.contender.Contender;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.LoadGenerator;
import dev.sluice.bench.load.LoadGenerator.Mark;
import dev.sluice.bench.load.Publication;
import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Storm;
import dev.sluice.bench.load.Workload;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ServerProcess;
import dev.sluice.harness.Waiting;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/** The Redis, the server and the load generator of one trial, and what is measured of them. */
final class TestBed implements AutoCloseable {

    /** The upload that clients subscribe to. */
    static final String UPLOAD = "bench";

    /** The channels of the users, whose ids are of fixed width. */
    static final ChannelName USER_CHANNELS = new ChannelName("user:u", 5);

    private static final OperatingSystemMXBean HERE =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final double NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final double NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);

    /** The indexes of idle times among the first fields; later fields repeat earlier ones. */
    private static final Set<Integer> IDLE_TIMES = Set.of(3, 4);

    private static final int TIMES = 8;

    private final Contender contender;
    private final Redis redis;
    private final HttpServerProcess server;
    private final LoadGenerator load = new LoadGenerator();

    private TestBed(Contender contender, Redis redis, HttpServerProcess server) {
        this.contender = contender;
        this.redis = redis;
        this.server = server;
    }

    /**
     * @param connectsPerSecond how many may connect to the server in a second, where it has such a limit
     * @param logs where the processes leave theirs
     */
    static TestBed start(Contender contender, int connectsPerSecond, Path logs) {
        Redis redis = Sluice.redis(logs, List.of("--notify-keyspace-events", "Kt"));
        try {
            return new TestBed(contender, redis, contender.start(redis, connectsPerSecond, logs));
        } catch (RuntimeException e) {
            redis.close();
            throw e;
        }
    }

    /** Connects clients that receive publications to their user. */
    void admitUsers(int count) {
        load.admit(server.address(), users(count));
    }

    /** Connects clients that also receive publications on {@link #UPLOAD}. */
    void admitSubscribers(int count) {
        load.admit(server.address(), subscribers(count));
    }

    /** Connects subscribers at half the given rate, so that none of them is refused. */
    void admitSubscribers(int count, int connectsPerSecond) {
        int group = Math.max(1, connectsPerSecond / 20);
        List<Session> all = subscribers(count);
        for (int from = 0; from < count; from += group) {
            load.admit(server.address(), all.subList(from, Math.min(count, from + group)));
            Waiting.sleep(Duration.ofMillis(100));
        }
    }

    /** Connects subscribers that then read nothing. */
    void admitSleepers(int count) {
        load.admitSleeping(server.address(), subscribers(count));
    }

    /** Connects and disconnects clients, so that the server has loaded everything that clients need. */
    void rehearse(int count) {
        try (LoadGenerator rehearsal = new LoadGenerator()) {
            rehearsal.admit(server.address(), users(count));
        }
    }

    /**
     * Clients of other users, which will connect at once, and subscribe to another upload.
     *
     * @param attempts after which a client gives up
     */
    Storm storm(int count, int attempts) {
        List<Session> others = sessions(count, i -> contender.subscriber("storm" + i, "storm"));
        return new Storm(server.address(), others, attempts);
    }

    /** The same, but clients that can resume return, and get what they missed. */
    Storm returningStorm(int count) {
        Function<String, Session> returning = contender.returning(redis, server);
        return new Storm(server.address(), sessions(count, i -> returning.apply("storm" + i)), Integer.MAX_VALUE);
    }

    boolean clientsCanResume() {
        return contender.canResume();
    }

    Publication publication(ChannelName channel, int payloadBytes) {
        return new Publication(contender.protocol(), channel, payloadBytes);
    }

    void publishInClosedLoop(Workload workload, int window, int refill) {
        load.publishInClosedLoop(contender.publishTo(redis, server), contender.protocol(), workload, window, refill);
    }

    void publishAtPace(Workload workload, int unitsPerSecond) {
        publishAtPace(workload, unitsPerSecond, 1);
    }

    void publishAtPace(Workload workload, int unitsPerSecond, int connections) {
        load.publishAtPace(
                contender.publishTo(redis, server), contender.protocol(), workload, unitsPerSecond, connections);
    }

    /**
     * Counts deliveries and CPU time for this time.
     *
     * @param countedPerDelivery how many of the counted things a delivery stands for
     */
    Map<Metric, Double> count(Duration length, int countedPerDelivery) {
        return count(() -> Waiting.sleep(length), countedPerDelivery);
    }

    /**
     * Counts deliveries and CPU time while something happens.
     *
     * @param countedPerDelivery how many of the counted things a delivery stands for
     */
    Map<Metric, Double> count(Runnable meanwhile, int countedPerDelivery) {
        Reading start = Reading.of(this);
        meanwhile.run();
        Reading end = Reading.of(this);

        // In a quick run, CPU time may be shorter than a tick.
        long serverNanos = Math.max(ServerProcess.NANOS_PER_TICK, end.serverNanos() - start.serverNanos());
        long redisNanos = end.redisNanos() - start.redisNanos();
        long generatorNanos = end.generatorNanos() - start.generatorNanos();
        long otherNanos = end.machineNanos() - start.machineNanos() - serverNanos - redisNanos - generatorNanos;
        double nanos = end.mark().nanos() - start.mark().nanos();
        double counted = (double) (end.mark().deliveries() - start.mark().deliveries()) * countedPerDelivery;
        Histogram latencies = end.mark().latencies();
        if (counted == 0) {
            throw new IllegalStateException("nothing was delivered");
        }

        Map<Metric, Double> values = new EnumMap<>(Metric.class);
        values.put(Metric.PER_CPU_SECOND, counted * NANOS_PER_SECOND / serverNanos);
        values.put(Metric.PER_SECOND, counted * NANOS_PER_SECOND / nanos);
        values.put(Metric.SERVER_CPU, serverNanos / nanos);
        values.put(Metric.REDIS_CPU, redisNanos / nanos);
        values.put(Metric.GENERATOR_CPU, generatorNanos / nanos);
        values.put(Metric.OTHER_CPU, Math.max(0, otherNanos) / nanos);
        values.put(Metric.P50, latencies.getValueAtPercentile(50) / NANOS_PER_MILLI);
        values.put(Metric.P99, latencies.getValueAtPercentile(99) / NANOS_PER_MILLI);
        values.put(Metric.P99_9, latencies.getValueAtPercentile(99.9) / NANOS_PER_MILLI);
        values.put(Metric.MAX, latencies.getMaxValue() / NANOS_PER_MILLI);
        return values;
    }

    /** The CPU time of all cores so far, including stolen time, in nanoseconds, exact to 10 ms. */
    private static long machineNanos() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/stat"))) {
            String[] times = lines.findFirst()
                    .orElseThrow()
                    .substring("cpu".length())
                    .strip()
                    .split(" ");
            return IntStream.range(0, TIMES)
                            .filter(i -> !IDLE_TIMES.contains(i))
                            .mapToLong(i -> Long.parseLong(times[i]))
                            .sum()
                    * ServerProcess.NANOS_PER_TICK;
        } catch (IOException e) {
            throw new IllegalStateException("can't read /proc/stat", e);
        }
    }

    void collectGarbage() {
        contender.collectGarbage(server);
    }

    Redis redis() {
        return redis;
    }

    HttpServerProcess server() {
        return server;
    }

    LoadGenerator load() {
        return load;
    }

    @Override
    public void close() {
        load.close();
        server.close();
        redis.close();
    }

    private List<Session> users(int count) {
        return sessions(count, i -> contender.user(userId(i)));
    }

    private List<Session> subscribers(int count) {
        return sessions(count, i -> contender.subscriber(userId(i), UPLOAD));
    }

    private static List<Session> sessions(int count, IntFunction<Session> session) {
        return IntStream.range(0, count).mapToObj(session).toList();
    }

    private static String userId(int number) {
        return "u%05d".formatted(number);
    }

    private record Reading(Mark mark, long serverNanos, long redisNanos, long generatorNanos, long machineNanos) {

        static Reading of(TestBed bed) {
            return new Reading(
                    bed.load().mark(),
                    bed.server().process().cpuNanos(),
                    bed.redis().process().cpuNanos(),
                    HERE.getProcessCpuTime(),
                    TestBed.machineNanos());
        }
    }

    /** Bytes in larger units. */
    static final class Units {

        private static final double KILO = 1024;

        private Units() {}

        static double kilobytes(long bytes) {
            return bytes / KILO;
        }

        static double megabytes(long bytes) {
            return bytes / KILO / KILO;
        }
    }
}
