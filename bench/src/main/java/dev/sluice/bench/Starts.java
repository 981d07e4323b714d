package dev.sluice.bench;

import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Page.Column;
import dev.sluice.bench.process.Program;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Starts Sluice again and again, packaged in each way in turn, and measures the time until it is ready. bench/start starts it, with each way
 * as {@code --way NAME COMMAND}.
 */
@Command(
        name = "bench/start",
        description =
                "Starts Sluice as a jar on the JDKs that are here, with an AOT cache on JDK 25, and as a native executable where one is given,"
                        + " and writes bench/results/results.md in about three minutes.")
public final class Starts extends Program {

    private static final int ROUNDS = 10;
    private static final int QUICK_ROUNDS = 2;
    private static final double MILLI = 1e6;
    private static final double MEGA = 1e6;
    private static final double MILLIS_PER_SECOND = 1e3;

    @Option(names = "--rounds", paramLabel = "N", description = "how often each is started (default: 10)")
    private Integer rounds;

    @Option(names = "--native", paramLabel = "PATH", description = "a native executable of Sluice")
    private Path nativeExecutable;

    /** Names and commands in turn. */
    @Option(names = "--way", arity = "2", hidden = true)
    private List<String> ways = new ArrayList<>();

    /** The time and CPU time until Sluice was ready, and its memory then. */
    private record Start(double millis, double cpuMillis, double megabytes) {}

    public static void main(String[] arguments) {
        start(new Starts(), arguments);
    }

    @Override
    protected void validate() {
        rounds = number("--rounds", rounds, 1, 100, ROUNDS);
        checkNative(nativeExecutable);
    }

    @Override
    protected boolean run() throws IOException {
        Map<String, List<String>> commands = new LinkedHashMap<>();
        for (int i = 0; i < ways.size(); i += 2) {
            commands.put(ways.get(i), List.of(ways.get(i + 1).split(" ")));
        }
        if (nativeExecutable != null) {
            commands.put("native executable", Sluice.command(nativeExecutable.toAbsolutePath()));
        }
        Map<String, List<Start>> starts = measure(quick ? QUICK_ROUNDS : rounds, commands);
        String table = Page.table(
                List.copyOf(starts.entrySet()),
                List.of(
                        text("packaged", Map.Entry::getKey),
                        spread("until ready, ms", Start::millis),
                        spread("CPU until then, ms", Start::cpuMillis),
                        spread("RSS then, MB", Start::megabytes)));
        publish(
                "Medians of %d, with least and most in parentheses; the ways to package it take turns."
                        .formatted(rounds),
                table);
        if (!quick) {
            Path page = root().resolve("docs/performance.md");
            Files.writeString(
                    page,
                    Page.read(page, name()).write("ready", sentence(starts)).text());
        }
        return true;
    }

    /** How long each takes until it is ready. */
    private static String sentence(Map<String, List<Start>> starts) {
        return starts.entrySet().stream()
                .map(way -> "%s: %.2f s"
                        .formatted(
                                way.getKey(), median(way.getValue().stream().map(Start::millis)) / MILLIS_PER_SECOND))
                .collect(Collectors.joining("; "));
    }

    private static double median(Stream<Double> values) {
        double[] sorted = values.mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    private static Map<String, List<Start>> measure(int rounds, Map<String, List<String>> ways) throws IOException {
        Path logs = Files.createDirectories(home().resolve("target/start"));
        Map<String, List<Start>> starts = new LinkedHashMap<>();
        try (Redis redis = Sluice.redis(logs)) {
            // The first round fills the file cache for all ways, and does not count.
            for (int round = 0; round <= rounds; round++) {
                for (Map.Entry<String, List<String>> way : ways.entrySet()) {
                    Start start = measure(way.getValue(), redis, logs.resolve("start.log"));
                    if (round > 0) {
                        starts.computeIfAbsent(way.getKey(), x -> new ArrayList<>())
                                .add(start);
                    }
                }
            }
        }
        return starts;
    }

    private static Start measure(List<String> command, Redis redis, Path log) {
        int port = Ports.free();
        int management = Ports.free();
        long begin = System.nanoTime();
        try (HttpServerProcess server = HttpServerProcess.start(
                command, Sluice.environment(port, management, redis.uri()), port, Sluice.readiness(management), log)) {
            return new Start(
                    (System.nanoTime() - begin) / MILLI,
                    server.process().cpuNanos() / MILLI,
                    server.process().residentBytes() / MEGA);
        }
    }

    private static Column<Map.Entry<String, List<Start>>> spread(String title, Function<Start, Double> value) {
        return figure(title, way -> spread(way.getValue().stream().map(value)));
    }

    private static String spread(Stream<Double> values) {
        double[] sorted = values.mapToDouble(Double::doubleValue).sorted().toArray();
        return "%,.0f (%,.0f–%,.0f)".formatted(sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
    }
}
