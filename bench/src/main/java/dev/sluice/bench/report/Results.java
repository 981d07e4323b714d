package dev.sluice.bench.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import dev.sluice.bench.report.Results.Spread;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Sizes;
import dev.sluice.bench.work.Work.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Everything that came out.
 *
 * @param quick whether it is a smoke run, whose figures mean nothing
 * @param failures trials that gave no figures, and why
 */
public record Results(Machine machine, Sizes sizes, boolean quick, List<Trial> trials, List<String> failures) {

    private static final double DISTURBING = 0.15;

    /**
     * Writes them: raw, as tables, and as a picture. A smoke run's go where they can't be mistaken for results.
     *
     * @param home the directory {@code bench}
     * @return the directory they are in
     */
    public Path write(Path home) throws IOException {
        Path directory = quick ? home.resolve("target").resolve("quick") : home.resolve("results");
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("results.json"), json());
        Files.writeString(directory.resolve("results.md"), new Tables(this).markdown());
        Files.writeString(directory.resolve("chart.svg"), Chart.of(this).svg());
        return directory;
    }

    private String json() throws IOException {
        SimpleModule durations = new SimpleModule().addSerializer(Duration.class, new ToStringSerializer());
        return new ObjectMapper()
                        .registerModule(durations)
                        .enable(SerializationFeature.INDENT_OUTPUT)
                        .writeValueAsString(this)
                + "\n";
    }

    /** Median and range of what the rounds gave; empty where none gave it. */
    Optional<Spread> spread(Work work, String contender, Metric metric) {
        double[] values = trials.stream()
                .filter(trial -> trial.work() == work && trial.contender().equals(contender))
                .filter(trial -> trial.values().containsKey(metric))
                .mapToDouble(trial -> trial.values().get(metric))
                .toArray();
        return values.length == 0 ? Optional.empty() : Optional.of(Spread.of(values));
    }

    /** The contenders that have done the work, in the order in which they did. */
    List<String> contenders(Work work) {
        return trials.stream()
                .filter(trial -> trial.work() == work)
                .map(Trial::contender)
                .distinct()
                .toList();
    }

    /** The trials during which so much of a core went elsewhere that their figures are doubtful. */
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

    /** Median, least and most of some values. */
    record Spread(double median, double min, double max) {

        static Spread of(double... values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            int last = sorted.length - 1;
            return new Spread((sorted[last / 2] + sorted[sorted.length / 2]) / 2, sorted[0], sorted[last]);
        }
    }

    /** One median over another. */
    record Ratio(String what, Term over, Term under) {

        private static final String SLUICE = "sluice";
        private static final String NODE = "node";

        record Term(Work work, String contender, Metric metric) {}

        static final List<Ratio> ALL = List.of(
                perCpuSecond("fan-out per CPU-second: sluice / node", Work.FAN_OUT, Work.FAN_OUT, NODE),
                perCpuSecond(
                        "fan-out per CPU-second: sluice / sluice-sendtext",
                        Work.FAN_OUT,
                        Work.FAN_OUT,
                        "sluice-sendtext"),
                sluices("fan-out per CPU-second: sluice-v2 / sluice", Work.FAN_OUT, "sluice-v2", "sluice"),
                sluices("direct per CPU-second: sluice-v2 / sluice", Work.DIRECT, "sluice-v2", "sluice"),
                sluices("fan-out per CPU-second: sluice-sse / sluice", Work.FAN_OUT, "sluice-sse", "sluice"),
                sluices(
                        "fan-out per CPU-second: sluice-centrifuge / sluice",
                        Work.FAN_OUT,
                        "sluice-centrifuge",
                        "sluice"),
                sluices("fan-out per CPU-second: sluice / sluice-before", Work.FAN_OUT, "sluice", "sluice-before"),
                sluices("direct per CPU-second: sluice / sluice-before", Work.DIRECT, "sluice", "sluice-before"),
                sluices("discard per CPU-second: sluice / sluice-before", Work.DISCARD, "sluice", "sluice-before"),
                perCpuSecond("fan-out per CPU-second: sluice / nchan", Work.FAN_OUT, Work.FAN_OUT, "nchan"),
                perCpuSecond("direct per CPU-second: sluice / node", Work.DIRECT, Work.DIRECT, NODE),
                perCpuSecond(
                        "direct per CPU-second: sluice / sluice-sendtext", Work.DIRECT, Work.DIRECT, "sluice-sendtext"),
                perCpuSecond("discard per CPU-second: sluice / node", Work.DISCARD, Work.DISCARD, NODE),
                perCpuSecond("retained per CPU-second: sluice / node's discard", Work.RETAINED, Work.DISCARD, NODE),
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

        /** Empty where either was not measured. */
        Optional<Double> of(Results results) {
            return median(results, over).flatMap(a -> median(results, under).map(b -> a / b));
        }

        private static Optional<Double> median(Results results, Term term) {
            return results.spread(term.work(), term.contender(), term.metric()).map(Spread::median);
        }

        private static Ratio perCpuSecond(String what, Work sluices, Work others, String other) {
            return new Ratio(
                    what,
                    new Term(sluices, SLUICE, Metric.PER_CPU_SECOND),
                    new Term(others, other, Metric.PER_CPU_SECOND));
        }

        private static Ratio sluices(String what, Work work, String over, String under) {
            return new Ratio(
                    what, new Term(work, over, Metric.PER_CPU_SECOND), new Term(work, under, Metric.PER_CPU_SECOND));
        }

        private static Ratio stalledP99(String contender) {
            return new Ratio(
                    "p99 with stalled clients / before: " + contender,
                    new Term(Work.STALLED, contender, Metric.P99),
                    new Term(Work.STALLED, contender, Metric.CALM_P99));
        }
    }
}
