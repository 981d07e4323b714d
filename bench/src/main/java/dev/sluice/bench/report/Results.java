package dev.sluice.bench.report;

import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.deser.std.FromStringDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import dev.sluice.bench.process.Machine;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Sizes;
import dev.sluice.bench.work.Work.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The results of bench/run, which several runs may have measured.
 *
 * @param quick whether the figures mean nothing
 */
public record Results(boolean quick, List<Row> rows) {

    private static final String PROGRAM = "run";
    private static final String RAW = "bench/results/results.json";
    private static final double DISTURBING = 0.15;

    /** The number of rounds from which on rows are published: with fewer, disjoint ranges are often chance. */
    public static final int ENOUGH_ROUNDS = 3;

    /**
     * A workload with the contenders that one run measured in turn. Figures of different rows are never compared.
     *
     * @param failures trials that gave no figures, and why
     */
    public record Row(Work work, Machine machine, Sizes sizes, List<Trial> trials, List<String> failures) {

        /** The contenders, in the order of their first trials. */
        List<String> contenders() {
            return trials.stream().map(Trial::contender).distinct().toList();
        }

        /** Median and range of the rounds; empty if there are none. */
        Optional<Spread> spread(String contender, Metric metric) {
            double[] values = trials.stream()
                    .filter(trial -> trial.contender().equals(contender))
                    .filter(trial -> trial.values().containsKey(metric))
                    .mapToDouble(trial -> trial.values().get(metric))
                    .toArray();
            return values.length == 0 ? Optional.empty() : Optional.of(Spread.of(values));
        }

        private long rounds(String contender) {
            return trials.stream()
                    .filter(trial -> trial.contender().equals(contender))
                    .count();
        }

        /** The least rounds of a contender. */
        long rounds() {
            return contenders().stream().mapToLong(this::rounds).min().orElse(0);
        }

        /** Without the contenders of which too many rounds failed. */
        private Row ofEnoughRounds() {
            List<Trial> enough = trials.stream()
                    .filter(trial -> rounds(trial.contender()) >= ENOUGH_ROUNDS)
                    .toList();
            return new Row(work, machine, sizes, enough, failures);
        }

        /** Whether the other row says nothing that this one does not. */
        private boolean replaces(Row other) {
            return work == other.work
                    && (other.rounds() < ENOUGH_ROUNDS || contenders().containsAll(other.contenders()));
        }

        /** The trials whose figures are doubtful, because other processes used the CPU. */
        List<Trial> disturbed() {
            return trials.stream()
                    .filter(trial -> trial.values().getOrDefault(Metric.OTHER_CPU, 0.0) > DISTURBING)
                    .toList();
        }

        /** Which build was measured when. */
        String measured() {
            String before = contenders().contains("sluice-before") ? " (before: " + machine.before() + ")" : "";
            return "%s%s, %s".formatted(machine.commit(), before, machine.date());
        }
    }

    /** Reads the published results. */
    public static Results read(Path root) throws IOException {
        return mapper().readValue(root.resolve(RAW).toFile(), Results.class);
    }

    /** Adds a row if it has enough rounds, in place of those that it replaces. */
    public Results with(Row measured) {
        Row row = measured.ofEnoughRounds();
        if (row.trials().isEmpty()) {
            return this;
        }
        List<Row> all = Stream.concat(rows.stream().filter(old -> !row.replaces(old)), Stream.of(row))
                .sorted(Comparator.comparing(Row::work))
                .toList();
        return new Results(quick, all);
    }

    /** Adds a row, however few rounds it has. */
    public Results withAny(Row row) {
        return new Results(quick, Stream.concat(rows.stream(), Stream.of(row)).toList());
    }

    /**
     * Writes all files with figures of bench/run.
     *
     * @param root of the repository, which has the pages
     * @param folder that gets the files: the root too, or another
     */
    public void write(Path root, Path folder) throws IOException {
        for (Map.Entry<String, String> file : files(root).entrySet()) {
            Path path = folder.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.getValue());
        }
    }

    /** The raw figures, the pages and the pictures, by their paths. */
    Map<String, String> files(Path root) throws IOException {
        Map<String, String> files = new LinkedHashMap<>();
        Tables tables = new Tables(this);
        Prose prose = new Prose(this);
        files.put(RAW, mapper().writeValueAsString(this) + "\n");
        Map<String, Chart> charts = Chart.all(this);
        charts.forEach((name, chart) -> files.put("bench/results/" + name, chart.svg()));
        files.put(
                "bench/results/results.md",
                page(root, "bench/results/results.md")
                        .writeLines("charts", links(charts, "\n\n", "![%s](%s)"))
                        .writeLines("figures", tables.all())
                        .text());
        files.put(
                "bench/README.md",
                page(root, "bench/README.md")
                        .writeLines("charts", links(charts, "\n", "- [%s](results/%s)"))
                        .writeLines("storm", prose.returningClients())
                        .write("before", prose.againstBefore())
                        .text());
        files.put(
                "docs/performance.md",
                page(root, "docs/performance.md")
                        .writeLines("machine", tables.machine())
                        .writeLines("figures", tables.performance())
                        .write("protocols", prose.protocols())
                        .write("curve", prose.curve())
                        .write("storm", prose.storm())
                        .text());
        files.put(
                "README.md",
                page(root, "README.md")
                        .write("fast", tables.headline())
                        .writeLines("figures", tables.readme())
                        .text());
        return files;
    }

    /** A link for each chart, by the format of its name and file. */
    private static String links(Map<String, Chart> charts, String between, String format) {
        return charts.entrySet().stream()
                .map(chart -> format.formatted(chart.getValue().name(), chart.getKey()))
                .collect(Collectors.joining(between));
    }

    private static Page page(Path root, String file) throws IOException {
        return Page.read(root.resolve(file), PROGRAM);
    }

    private static ObjectMapper mapper() {
        SimpleModule durations = new SimpleModule().addSerializer(Duration.class, new ToStringSerializer());
        durations.addDeserializer(Duration.class, new FromStringDeserializer<>(Duration.class) {
            private static final long serialVersionUID = 1;

            @Override
            protected Duration _deserialize(String text, DeserializationContext context) {
                return Duration.parse(text);
            }
        });
        return new ObjectMapper().registerModule(durations).enable(SerializationFeature.INDENT_OUTPUT);
    }

    /** The newest of the rows of the work that have most of these contenders; empty if none has one. */
    Optional<Row> row(Work work, List<String> contenders) {
        ToLongFunction<Row> fitting =
                row -> contenders.stream().filter(row.contenders()::contains).count();
        return rows.stream()
                .filter(row -> row.work() == work && fitting.applyAsLong(row) > 0)
                .reduce((one, later) -> fitting.applyAsLong(later) >= fitting.applyAsLong(one) ? later : one);
    }

    /** Median and range of the values of some rounds. */
    record Spread(double median, double min, double max, int rounds) {

        static Spread of(double... values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            int last = sorted.length - 1;
            return new Spread(
                    (sorted[last / 2] + sorted[sorted.length / 2]) / 2, sorted[0], sorted[last], sorted.length);
        }

        /** The median in this format, with least and most in parentheses if they differ. */
        String ranged(String format) {
            String text = String.format(Locale.ROOT, format, median);
            return min < max
                    ? text + " (" + String.format(Locale.ROOT, format, min) + "–"
                            + String.format(Locale.ROOT, format, max) + ")"
                    : text;
        }

        /** What one costs, from how many a unit of these yields. */
        Spread reciprocal(double unit) {
            return new Spread(unit / median, unit / max, unit / min, rounds);
        }

        static boolean lessIsBetter(Metric metric) {
            return metric != Metric.PER_CPU_SECOND;
        }

        /** Whether all values are better than all of the other, with enough rounds of both. */
        boolean isAheadOf(Spread other, boolean lessIsBetter) {
            return rounds >= ENOUGH_ROUNDS
                    && other.rounds >= ENOUGH_ROUNDS
                    && (lessIsBetter ? max < other.min : min > other.max);
        }
    }

    /** The median of a contender over that of another, which one run measured. */
    record Ratio(Work work, String over, String under, Metric metric) {

        private static final String SLUICE = "sluice";
        private static final String NODE = "node";
        private static final String BEFORE = "sluice-before";
        private static final String ONE_LOOP = "sluice-one-loop";
        private static final String STREAM = "sluice-stream";
        private static final String CENTRIFUGO = "centrifugo";
        private static final String SOCKET_IO = "socket.io";

        static final List<Ratio> ALL = List.of(
                perCpuSecond(Work.FAN_OUT, SLUICE, NODE),
                perCpuSecond(Work.FAN_OUT, SLUICE, "sluice-sendtext"),
                perCpuSecond(Work.FAN_OUT, "sluice-v2", SLUICE),
                perCpuSecond(Work.DIRECT, "sluice-v2", SLUICE),
                perCpuSecond(Work.FAN_OUT, "sluice-sse", SLUICE),
                perCpuSecond(Work.FAN_OUT, "sluice-centrifuge", SLUICE),
                perCpuSecond(Work.FAN_OUT, "sluice-c1", SLUICE),
                perCpuSecond(Work.DIRECT, "sluice-c1", SLUICE),
                perCpuSecond(Work.DISCARD, "sluice-c1", SLUICE),
                perCpuSecond(Work.FAN_OUT, ONE_LOOP, SLUICE),
                perCpuSecond(Work.DIRECT, ONE_LOOP, SLUICE),
                p99(Work.PACED, ONE_LOOP, SLUICE),
                perCpuSecond(Work.FAN_OUT, SLUICE, BEFORE),
                perCpuSecond(Work.DIRECT, SLUICE, BEFORE),
                perCpuSecond(Work.DISCARD, SLUICE, BEFORE),
                perCpuSecond(Work.FAN_OUT, STREAM, SLUICE),
                perCpuSecond(Work.DIRECT, STREAM, SLUICE),
                perCpuSecond(Work.DISCARD_LARGE, STREAM, SLUICE),
                perCpuSecond(Work.UNWANTED, STREAM, SLUICE),
                p99(Work.PACED_DIRECT, STREAM, SLUICE),
                perCpuSecond(Work.FAN_OUT, SLUICE, "nchan"),
                perCpuSecond(Work.FAN_OUT, SLUICE, CENTRIFUGO),
                perCpuSecond(Work.FAN_OUT, "sluice-centrifuge", CENTRIFUGO),
                perCpuSecond(Work.FAN_OUT, SLUICE, SOCKET_IO),
                perCpuSecond(Work.DIRECT, SLUICE, CENTRIFUGO),
                perCpuSecond(Work.DIRECT, SLUICE, SOCKET_IO),
                perCpuSecond(Work.DIRECT, SLUICE, NODE),
                perCpuSecond(Work.DIRECT, SLUICE, "sluice-sendtext"),
                perCpuSecond(Work.DISCARD, SLUICE, NODE),
                new Ratio(Work.IDLE, SLUICE, NODE, Metric.KB_PER_CONNECTION),
                new Ratio(Work.IDLE, SLUICE, CENTRIFUGO, Metric.KB_PER_CONNECTION),
                new Ratio(Work.IDLE, SLUICE, SOCKET_IO, Metric.KB_PER_CONNECTION),
                p99(Work.PACED, SLUICE, NODE),
                p99(Work.PACED, SLUICE, CENTRIFUGO),
                p99(Work.PACED, SLUICE, SOCKET_IO),
                p99(Work.PACED, SLUICE, "nchan"),
                p99(Work.CONNECTIONS_1000, SLUICE, NODE),
                p99(Work.CONNECTIONS_1000, SLUICE, CENTRIFUGO));

        String name() {
            String of = switch (metric) {
                case PER_CPU_SECOND -> " per CPU-second";
                case P99 -> " p99";
                default -> " KB per connection";
            };
            return "%s%s: %s / %s".formatted(work.id(), of, over, under);
        }

        /** Empty unless one run measured both. */
        Optional<Measured> of(Results results) {
            return results.row(work, List.of(over, under))
                    .flatMap(row -> row.spread(over, metric)
                            .flatMap(one -> row.spread(under, metric).map(other -> new Measured(this, one, other))));
        }

        record Measured(Ratio ratio, Spread over, Spread under) {

            double value() {
                return over.median() / under.median();
            }

            /** The contender that is ahead of the other; a dash if none is. */
            String ahead() {
                boolean lessIsBetter = Spread.lessIsBetter(ratio.metric());
                if (over.isAheadOf(under, lessIsBetter)) {
                    return ratio.over();
                }
                return under.isAheadOf(over, lessIsBetter) ? ratio.under() : "–";
            }
        }

        private static Ratio perCpuSecond(Work work, String over, String under) {
            return new Ratio(work, over, under, Metric.PER_CPU_SECOND);
        }

        private static Ratio p99(Work work, String over, String under) {
            return new Ratio(work, over, under, Metric.P99);
        }
    }
}
