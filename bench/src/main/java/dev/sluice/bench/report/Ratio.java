package dev.sluice.bench.report;

import dev.sluice.bench.work.Metric;
import dev.sluice.bench.work.Work;
import java.util.List;
import java.util.Optional;

/** One median over another. */
record Ratio(String what, Term over, Term under) {

    private static final String SLUICE = "sluice";
    private static final String NODE = "node";

    record Term(Work work, String contender, Metric metric) {}

    static final List<Ratio> ALL = List.of(
            perCpuSecond("fan-out per CPU-second: sluice / node", Work.FAN_OUT, Work.FAN_OUT, NODE),
            perCpuSecond(
                    "fan-out per CPU-second: sluice / sluice-sendtext", Work.FAN_OUT, Work.FAN_OUT, "sluice-sendtext"),
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
                what, new Term(sluices, SLUICE, Metric.PER_CPU_SECOND), new Term(others, other, Metric.PER_CPU_SECOND));
    }

    private static Ratio stalledP99(String contender) {
        return new Ratio(
                "p99 with stalled clients / before: " + contender,
                new Term(Work.STALLED, contender, Metric.P99),
                new Term(Work.STALLED, contender, Metric.CALM_P99));
    }
}
