package dev.sluice.bench.work;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.bench.load.LoadGenerator.Mark;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.harness.ServerProcess;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/** A time during which is counted what comes and what it costs. */
final class Window {

    private static final OperatingSystemMXBean HERE =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final double NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final double NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);

    /** Those of idleness, among the first so many; those behind repeat what others have counted already. */
    private static final Set<Integer> IDLE_TIMES = Set.of(3, 4);

    private static final int TIMES = 8;

    private record Reading(Mark mark, long serverNanos, long redisNanos, long generatorNanos, long machineNanos) {

        static Reading of(Stage stage) {
            return new Reading(
                    stage.load().mark(),
                    stage.server().process().cpuNanos(),
                    stage.redis().process().cpuNanos(),
                    HERE.getProcessCpuTime(),
                    Window.machineNanos());
        }
    }

    private Window() {}

    /**
     * Counts for so long.
     *
     * @param countedPerDelivery what a delivery stands for
     */
    static Map<Metric, Double> count(Stage stage, Duration length, int countedPerDelivery) {
        return count(stage, () -> Waiting.sleep(length), countedPerDelivery);
    }

    /**
     * Counts while something happens.
     *
     * @param countedPerDelivery what a delivery stands for
     */
    static Map<Metric, Double> count(Stage stage, Runnable meanwhile, int countedPerDelivery) {
        Reading start = Reading.of(stage);
        meanwhile.run();
        Reading end = Reading.of(stage);

        // A short window of a smoke run may see no tick of the clock at all.
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

    /** What all cores have been busy so far, stolen time included, in nanoseconds, 10 ms exact. */
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
