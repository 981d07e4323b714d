package dev.sluice.bench.report;

import dev.sluice.bench.report.Results.Ratio;
import dev.sluice.bench.report.Results.Spread;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Results as Markdown. */
final class Tables {

    private static final String NOTHING = "–";

    private final Results results;
    private final StringBuilder text = new StringBuilder();

    Tables(Results results) {
        this.results = results;
    }

    String markdown() {
        line("# Results");
        line("");
        if (results.quick()) {
            line("**A smoke run: these figures mean nothing.**");
            line("");
        }
        machine();
        list("Failed", results.failures());
        disturbances();
        line("![Deliveries per CPU-second](chart.svg)");
        line("");
        throughput();
        idle();
        stalled();
        storm();
        ratios();
        return text.toString();
    }

    private void machine() {
        Machine machine = results.machine();
        line("- %s, %d cores (the server on one of them, everything else on the others), %s"
                .formatted(machine.cpu(), machine.cores(), machine.kernel()));
        line("- JDK %s, flags for Sluice: %s".formatted(machine.jdk(), machine.sluiceFlags()));
        line("- Node %s, nginx %s".formatted(machine.node(), machine.nginx()));
        line("- Sluice at %s, %s".formatted(machine.commit(), machine.date()));
        line("");
        line("Medians of the rounds, with least and most in parentheses where it matters.");
        line("");
    }

    /** Those of a smoke run would only be noise. */
    private void disturbances() {
        if (!results.quick()) {
            list(
                    "Disturbed: somebody else kept the machine busy",
                    results.disturbed().stream()
                            .map(trial ->
                                    "%s %s round %d".formatted(trial.work().id(), trial.contender(), trial.round()))
                            .toList());
        }
    }

    private void list(String title, List<String> items) {
        if (items.isEmpty()) {
            return;
        }
        line("**" + title + ":**");
        line("");
        items.forEach(item -> line("- " + item));
        line("");
    }

    private void throughput() {
        table(
                "Deliveries",
                List.of(Work.FAN_OUT, Work.DIRECT, Work.DISCARD, Work.RETAINED, Work.PACED, Work.STALLED, Work.STORM),
                List.of(
                        new Column("per CPU-second", Metric.PER_CPU_SECOND, "%,.0f", 1, true),
                        new Column("per second", Metric.PER_SECOND, "%,.0f", 1, false),
                        new Column("p50 ms", Metric.P50, "%,.2f", 1, false),
                        new Column("p99 ms", Metric.P99, "%,.2f", 1, false),
                        new Column("p99.9 ms", Metric.P99_9, "%,.2f", 1, false),
                        new Column("max ms", Metric.MAX, "%,.1f", 1, false),
                        new Column("RSS MB", Metric.RSS, "%,.0f", 1, false),
                        new Column("server CPU", Metric.SERVER_CPU, "%.0f %%", 100, false),
                        new Column("generator CPU", Metric.GENERATOR_CPU, "%.0f %%", 100, false),
                        new Column("Redis CPU", Metric.REDIS_CPU, "%.0f %%", 100, false),
                        new Column("other CPU", Metric.OTHER_CPU, "%.0f %%", 100, false)));
    }

    private void idle() {
        table(
                "Idle connections",
                List.of(Work.IDLE),
                List.of(
                        new Column("KB per connection", Metric.KB_PER_CONNECTION, "%.1f", 1, true),
                        new Column("RSS MB", Metric.RSS, "%,.0f", 1, true)));
    }

    private void stalled() {
        table(
                "Clients that read nothing: what the others see before and meanwhile, and what the server does",
                List.of(Work.STALLED),
                List.of(
                        new Column("p50 ms before", Metric.CALM_P50, "%,.2f", 1, false),
                        new Column("p50 ms", Metric.P50, "%,.2f", 1, false),
                        new Column("p99 ms before", Metric.CALM_P99, "%,.2f", 1, false),
                        new Column("p99 ms", Metric.P99, "%,.2f", 1, false),
                        new Column("RSS growth MB", Metric.RSS_GROWTH, "%,.1f", 1, false),
                        new Column("for each of them", Metric.RSS_GROWTH_PER_STALLED, "%,.2f", 1, false),
                        new Column("disconnected", Metric.STALLED_CLOSED, "%.0f", 1, false)));
    }

    private void storm() {
        table(
                "Clients that all come at once: what those who are there see before and meanwhile, and what it takes",
                List.of(Work.STORM, Work.REFUSED),
                List.of(
                        new Column("p50 ms before", Metric.CALM_P50, "%,.2f", 1, false),
                        new Column("p50 ms", Metric.P50, "%,.2f", 1, false),
                        new Column("p99 ms before", Metric.CALM_P99, "%,.2f", 1, false),
                        new Column("p99 ms", Metric.P99, "%,.2f", 1, true),
                        new Column("seconds until all are in", Metric.STORM_LENGTH, "%.1f", 1, true),
                        new Column("let in per second", Metric.CONNECTS_PER_SECOND, "%,.0f", 1, false),
                        new Column("in the busiest", Metric.CONNECTS_IN_BUSIEST_SECOND, "%,.0f", 1, false),
                        new Column("refused", Metric.REFUSALS, "%,.0f", 1, false),
                        new Column("unanswered", Metric.FAILED_CONNECTS, "%,.0f", 1, false),
                        new Column(
                                "CPU ms for each let in when none is refused",
                                Metric.CPU_PER_CALM_CONNECT,
                                "%.3f",
                                1,
                                false),
                        new Column("in the storm", Metric.CPU_PER_CONNECT, "%.3f", 1, true),
                        new Column("for each refused", Metric.CPU_PER_REFUSAL, "%.3f", 1, true)));
    }

    private void ratios() {
        List<String> lines = new ArrayList<>();
        for (Ratio ratio : Ratio.ALL) {
            ratio.of(results).ifPresent(value -> lines.add("| " + ratio.what() + " | " + format("%.2f", value) + " |"));
        }
        if (lines.isEmpty()) {
            return;
        }
        line("## Ratios");
        line("");
        line("| | |");
        line("|---|---:|");
        lines.forEach(this::line);
        line("");
    }

    private void table(String title, List<Work> works, List<Column> columns) {
        List<Work> done = works.stream().filter(results.works()::contains).toList();
        if (done.isEmpty()) {
            return;
        }
        line("## " + title);
        line("");
        line("| work | contender | "
                + String.join(" | ", columns.stream().map(Column::title).toList()) + " |");
        line("|---|---|" + "---:|".repeat(columns.size()));
        for (Work work : done) {
            for (String contender : results.contenders(work)) {
                List<String> cells = columns.stream()
                        .map(column -> column.cell(results.spread(work, contender, column.metric())))
                        .toList();
                line("| " + work.id() + " | " + contender + " | " + String.join(" | ", cells) + " |");
            }
        }
        line("");
    }

    private void line(String line) {
        text.append(line).append('\n');
    }

    private static String format(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }

    /**
     * @param scale by which values are multiplied
     * @param ranged whether least and most are given beside the median
     */
    private record Column(String title, Metric metric, String format, double scale, boolean ranged) {

        String cell(Optional<Spread> values) {
            return values.map(this::cell).orElse(NOTHING);
        }

        private String cell(Spread spread) {
            String median = text(spread.median());
            return ranged && spread.min() < spread.max()
                    ? median + " (" + text(spread.min()) + "–" + text(spread.max()) + ")"
                    : median;
        }

        private String text(double value) {
            return Tables.format(format, value * scale);
        }
    }
}
