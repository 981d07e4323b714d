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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The results of bench/run.
 *
 * @param quick whether the figures mean nothing
 * @param failures trials that gave no figures, and why
 */
public record Results(Machine machine, Sizes sizes, boolean quick, List<Trial> trials, List<String> failures) {

    private static final String PROGRAM = "run";
    private static final String RAW = "bench/results/results.json";
    private static final double DISTURBING = 0.15;

    /** Reads the published results. */
    public static Results read(Path root) throws IOException {
        return mapper().readValue(root.resolve(RAW).toFile(), Results.class);
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

    /** The raw figures, the pages and a picture, by their paths. */
    Map<String, String> files(Path root) throws IOException {
        Map<String, String> files = new LinkedHashMap<>();
        Tables tables = new Tables(this);
        files.put(RAW, mapper().writeValueAsString(this) + "\n");
        files.put("bench/results/chart.svg", Chart.of(this).svg());
        files.put(
                "bench/results/results.md",
                page(root, "bench/results/results.md")
                        .writeLines("figures", tables.all())
                        .text());
        files.put(
                "docs/performance.md",
                page(root, "docs/performance.md")
                        .writeLines("machine", tables.machine())
                        .writeLines("figures", tables.performance())
                        .text());
        files.put(
                "README.md",
                page(root, "README.md")
                        .write("fast", tables.headline())
                        .writeLines("figures", tables.readme())
                        .text());
        return files;
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

    /** Median and range of the rounds; empty if there are none. */
    Optional<Spread> spread(Work work, String contender, Metric metric) {
        double[] values = trials.stream()
                .filter(trial -> trial.work() == work && trial.contender().equals(contender))
                .filter(trial -> trial.values().containsKey(metric))
                .mapToDouble(trial -> trial.values().get(metric))
                .toArray();
        return values.length == 0 ? Optional.empty() : Optional.of(Spread.of(values));
    }

    /** The contenders that did the work, in the order of their first trials. */
    List<String> contenders(Work work) {
        return trials.stream()
                .filter(trial -> trial.work() == work)
                .map(Trial::contender)
                .distinct()
                .toList();
    }

    /** The trials whose figures are doubtful, because other processes used the CPU. */
    List<Trial> disturbed() {
        return trials.stream()
                .filter(trial -> trial.values().getOrDefault(Metric.OTHER_CPU, 0.0) > DISTURBING)
                .toList();
    }

    /** The works that were done. */
    List<Work> works() {
        return Arrays.stream(Work.values())
                .filter(work -> !contenders(work).isEmpty())
                .toList();
    }

    /** Median and range of the values of some rounds. */
    record Spread(double median, double min, double max, int rounds) {

        /** With fewer rounds, disjoint ranges are often chance. */
        private static final int ENOUGH_ROUNDS = 3;

        static Spread of(double... values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            int last = sorted.length - 1;
            return new Spread(
                    (sorted[last / 2] + sorted[sorted.length / 2]) / 2, sorted[0], sorted[last], sorted.length);
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

    /** One median over another. */
    record Ratio(String name, Term over, Term under) {

        private static final String SLUICE = "sluice";
        private static final String NODE = "node";

        /** A metric of a contender. */
        record Term(Work work, String contender, Metric metric) {

            Optional<Spread> of(Results results) {
                return results.spread(work, contender, metric);
            }
        }

        static final List<Ratio> ALL = List.of(
                perCpuSecond(Work.FAN_OUT, SLUICE, NODE),
                perCpuSecond(Work.FAN_OUT, SLUICE, "sluice-sendtext"),
                perCpuSecond(Work.FAN_OUT, "sluice-v2", SLUICE),
                perCpuSecond(Work.DIRECT, "sluice-v2", SLUICE),
                perCpuSecond(Work.FAN_OUT, "sluice-sse", SLUICE),
                perCpuSecond(Work.FAN_OUT, "sluice-centrifuge", SLUICE),
                perCpuSecond(Work.FAN_OUT, SLUICE, "sluice-before"),
                perCpuSecond(Work.DIRECT, SLUICE, "sluice-before"),
                perCpuSecond(Work.DISCARD, SLUICE, "sluice-before"),
                perCpuSecond(Work.FAN_OUT, SLUICE, "nchan"),
                perCpuSecond(Work.FAN_OUT, SLUICE, "centrifugo"),
                perCpuSecond(Work.FAN_OUT, "sluice-centrifuge", "centrifugo"),
                perCpuSecond(Work.FAN_OUT, SLUICE, "socket.io"),
                perCpuSecond(Work.DIRECT, SLUICE, "centrifugo"),
                perCpuSecond(Work.DIRECT, SLUICE, "socket.io"),
                perCpuSecond(Work.DIRECT, SLUICE, NODE),
                perCpuSecond(Work.DIRECT, SLUICE, "sluice-sendtext"),
                perCpuSecond(Work.DISCARD, SLUICE, NODE),
                new Ratio(
                        "retained per CPU-second: sluice / node's discard",
                        new Term(Work.RETAINED, SLUICE, Metric.PER_CPU_SECOND),
                        new Term(Work.DISCARD, NODE, Metric.PER_CPU_SECOND)),
                new Ratio(
                        "KB per idle connection: sluice / node",
                        new Term(Work.IDLE, SLUICE, Metric.KB_PER_CONNECTION),
                        new Term(Work.IDLE, NODE, Metric.KB_PER_CONNECTION)),
                new Ratio(
                        "paced p99: sluice / node",
                        new Term(Work.PACED, SLUICE, Metric.P99),
                        new Term(Work.PACED, NODE, Metric.P99)),
                stalledP99(SLUICE),
                stalledP99(NODE));

        Optional<Spread> over(Results results) {
            return over.of(results);
        }

        Optional<Spread> under(Results results) {
            return under.of(results);
        }

        /** To be called if both were measured. */
        double of(Results results) {
            return over(results).orElseThrow().median()
                    / under(results).orElseThrow().median();
        }

        /** The contender that is ahead of the other; a dash if none is. */
        String ahead(Results results) {
            if (over.contender().equals(under.contender())) {
                return "–";
            }
            boolean lessIsBetter = Spread.lessIsBetter(over.metric());
            if (over(results).orElseThrow().isAheadOf(under(results).orElseThrow(), lessIsBetter)) {
                return over.contender();
            }
            return under(results).orElseThrow().isAheadOf(over(results).orElseThrow(), lessIsBetter)
                    ? under.contender()
                    : "–";
        }

        private static Ratio perCpuSecond(Work work, String over, String under) {
            return new Ratio(
                    "%s per CPU-second: %s / %s".formatted(work.id(), over, under),
                    new Term(work, over, Metric.PER_CPU_SECOND),
                    new Term(work, under, Metric.PER_CPU_SECOND));
        }

        private static Ratio stalledP99(String contender) {
            return new Ratio(
                    "p99 with stalled clients / before: " + contender,
                    new Term(Work.STALLED, contender, Metric.P99),
                    new Term(Work.STALLED, contender, Metric.CALM_P99));
        }
    }
}
