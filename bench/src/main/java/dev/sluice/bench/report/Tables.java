package dev.sluice.bench.report;

import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;

import dev.sluice.bench.process.Machine;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Page.Column;
import dev.sluice.bench.report.Results.Ratio;
import dev.sluice.bench.report.Results.Ratio.Measured;
import dev.sluice.bench.report.Results.Row;
import dev.sluice.bench.report.Results.Spread;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Sizes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Results of bench/run as Markdown. */
final class Tables {

    private static final String NOTHING = "–";
    private static final String SLUICE = "sluice";
    private static final String NODE = "node";
    private static final String SOCKET_IO = "socket.io";
    private static final String CENTRIFUGO = "centrifugo";
    private static final String NCHAN = "nchan";

    /** The contenders that pages compare. */
    private static final List<String> PEERS = List.of(SLUICE, CENTRIFUGO, SOCKET_IO, NODE, NCHAN);

    /** The workloads of docs/performance.md. */
    private static final Set<Work> COMPARED =
            EnumSet.of(Work.FAN_OUT, Work.DIRECT, Work.DISCARD, Work.RETAINED, Work.PACED, Work.STALLED, Work.IDLE);

    private final Results results;

    Tables(Results results) {
        this.results = results;
    }

    /** All figures, for results.md. */
    String all() {
        List<String> parts = new ArrayList<>();
        if (results.quick()) {
            parts.add("**A quick run: these figures mean nothing.**");
        }
        parts.add(results.rows().stream()
                .map(Row::machine)
                .distinct()
                .map(Tables::inFull)
                .collect(Collectors.joining("\n")));
        parts.add(
                "Medians of the rounds, with least and most in parentheses where it matters. Contenders of one row were measured in turn;"
                        + " figures of different rows are from different runs or hours.");
        list("Failed", failures()).ifPresent(parts::add);
        if (!results.quick()) {
            list("Disturbed: other processes used the CPU", disturbed()).ifPresent(parts::add);
        }
        Stream.of(deliveries(), new Curve(results).table(), idle(), stalled(), storm(), ratios())
                .flatMap(Optional::stream)
                .forEach(parts::add);
        return String.join("\n\n", parts);
    }

    private static String inFull(Machine machine) {
        return """
                - Sluice at %s, %s: %s, %d cores (the server on one of them, everything else on the others), %s; JDK %s, flags for Sluice: \
                %s; Node %s, nginx %s, Centrifugo %s""".formatted(
                        machine.commit(),
                        machine.date(),
                        machine.cpu(),
                        machine.cores(),
                        machine.kernel(),
                        machine.jdk(),
                        machine.sluiceFlags(),
                        machine.node(),
                        machine.nginx(),
                        machine.centrifugo());
    }

    private List<String> failures() {
        return results.rows().stream().flatMap(row -> row.failures().stream()).toList();
    }

    private List<String> disturbed() {
        return results.rows().stream()
                .flatMap(row -> row.disturbed().stream()
                        .map(trial -> "%s %s round %d".formatted(row.work().id(), trial.contender(), trial.round())))
                .toList();
    }

    /** The machine of the fan-out, and which rows are of another, for docs/performance.md. */
    String machine() {
        return results.row(Work.FAN_OUT, PEERS)
                .map(Row::machine)
                .map(machine -> "%s, %s, JDK %s, Node %s, nginx %s, Centrifugo %s."
                                .formatted(
                                        machine.cpu(),
                                        machine.kernel(),
                                        machine.jdk(),
                                        machine.node(),
                                        machine.nginx(),
                                        machine.centrifugo())
                        + ofOtherMachines(machine))
                .map(
                        machine -> machine
                                + " Medians of rounds; **bold**: ahead of all others in three rounds; [all figures](../bench/results/results.md).")
                .orElse(NOTHING);
    }

    private String ofOtherMachines(Machine machine) {
        Map<String, List<String>> works = Stream.of(Work.values())
                .filter(COMPARED::contains)
                .flatMap(work -> results.row(work, PEERS).stream())
                .filter(row -> !row.machine().kernel().equals(machine.kernel())
                        || !row.machine().cpu().equals(machine.cpu()))
                .collect(Collectors.groupingBy(
                        row -> row.machine().kernel() + ", " + row.machine().date(),
                        TreeMap::new,
                        Collectors.mapping(row -> row.work().id(), Collectors.toList())));
        return works.entrySet().stream()
                .map(other -> " " + String.join(", ", other.getValue()) + ": " + other.getKey() + ".")
                .collect(Collectors.joining());
    }

    /** The comparison in docs/performance.md. */
    String performance() {
        DoubleFunction<String> count = value -> format("%,.0f", value);
        DoubleFunction<String> exact = value -> format("%.2f", value);
        DoubleFunction<String> tenths = value -> format("%.1f", value);
        return comparison(
                List.of(
                        new Comparison(
                                "fan-out: one channel, 1,000 clients",
                                "deliveries per CPU-second",
                                Work.FAN_OUT,
                                Metric.PER_CPU_SECOND,
                                count),
                        new Comparison(
                                "direct: 1,000 channels, one client each",
                                "deliveries per CPU-second",
                                Work.DIRECT,
                                Metric.PER_CPU_SECOND,
                                count),
                        new Comparison(
                                "discard: publications without a listener",
                                "per CPU-second",
                                Work.DISCARD,
                                Metric.PER_CPU_SECOND,
                                count),
                        new Comparison(
                                "retained: the same with `retain=last`",
                                "per CPU-second",
                                Work.RETAINED,
                                Metric.PER_CPU_SECOND,
                                count),
                        new Comparison("paced: 20,000 deliveries a second", "p99, ms", Work.PACED, Metric.P99, exact),
                        new Comparison(
                                "stalled: ten clients do not read",
                                "p99 of others, ms",
                                Work.STALLED,
                                Metric.P99,
                                exact),
                        new Comparison(
                                "idle: 10,000 connections, garbage collected",
                                "KB per connection",
                                Work.IDLE,
                                Metric.KB_PER_CONNECTION,
                                tenths)),
                List.of(text("workload", Comparison::name), text("unit", Comparison::unit)),
                Map.of(
                        SLUICE,
                        "Sluice",
                        NODE,
                        "Node relay",
                        SOCKET_IO,
                        "Socket.IO",
                        CENTRIFUGO,
                        "Centrifugo",
                        NCHAN,
                        NCHAN));
    }

    /** The sentence at the head of README.md, without its end. */
    String headline() {
        return median(Work.FAN_OUT, Metric.PER_CPU_SECOND, value -> format("%.1f million", value / 1e6))
                + " deliveries a second on one core, to 1,000 subscribers of one channel; "
                + median(Work.IDLE, Metric.KB_PER_CONNECTION, value -> format("%.0f KB", value))
                + " for an idle connection";
    }

    private String median(Work work, Metric metric, DoubleFunction<String> format) {
        return results.row(work, PEERS)
                .flatMap(row -> row.spread(SLUICE, metric))
                .map(spread -> format.apply(spread.median()))
                .orElse(NOTHING);
    }

    /** The comparison in README.md. */
    String readme() {
        DoubleFunction<String> thousands = value -> format("%,.0f", Math.round(value / 1000) * 1000.0);
        return comparison(
                List.of(
                        new Comparison(
                                "deliveries, one channel to 1,000 clients",
                                "",
                                Work.FAN_OUT,
                                Metric.PER_CPU_SECOND,
                                thousands),
                        new Comparison(
                                "deliveries, a channel for each of 1,000 clients",
                                "",
                                Work.DIRECT,
                                Metric.PER_CPU_SECOND,
                                thousands),
                        new Comparison(
                                "p99 at 20,000 deliveries a second",
                                "",
                                Work.PACED,
                                Metric.P99,
                                value -> format("%.1f ms", value)),
                        new Comparison(
                                "memory of an idle connection",
                                "",
                                Work.IDLE,
                                Metric.KB_PER_CONNECTION,
                                value -> format("%.1f KB", value))),
                List.of(text("", Comparison::name)),
                Map.of(
                        SLUICE,
                        "Sluice (JVM)",
                        NODE,
                        "a Node relay (`ws`, `ioredis`)",
                        SOCKET_IO,
                        "Socket.IO",
                        CENTRIFUGO,
                        "Centrifugo",
                        NCHAN,
                        NCHAN));
    }

    private String comparison(List<Comparison> rows, List<Column<Comparison>> head, Map<String, String> titles) {
        List<Comparison> measured = rows.stream()
                .filter(row -> results.row(row.work, PEERS).isPresent())
                .toList();
        List<Column<Comparison>> columns = new ArrayList<>(head);
        PEERS.stream()
                .filter(contender -> measured.stream()
                        .anyMatch(row -> row.spread(results, contender).isPresent()))
                .forEach(contender -> columns.add(figure(titles.get(contender), row -> row.cell(results, contender))));
        return Page.table(measured, columns);
    }

    /** One metric of several contenders. */
    private record Comparison(String name, String unit, Work work, Metric metric, DoubleFunction<String> format) {

        Optional<Spread> spread(Results results, String contender) {
            return results.row(work, PEERS).flatMap(row -> row.spread(contender, metric));
        }

        /** Bold if the contender is ahead of all others. */
        String cell(Results results, String contender) {
            Optional<Spread> own = spread(results, contender);
            List<Spread> others = PEERS.stream()
                    .filter(other -> !other.equals(contender))
                    .flatMap(other -> spread(results, other).stream())
                    .toList();
            boolean ahead = own.isPresent()
                    && !others.isEmpty()
                    && others.stream().allMatch(other -> own.get().isAheadOf(other, Spread.lessIsBetter(metric)));
            return own.map(spread -> format.apply(spread.median()))
                    .map(figure -> ahead ? "**" + figure + "**" : figure)
                    .orElse(NOTHING);
        }
    }

    private static Optional<String> list(String title, List<String> items) {
        return items.isEmpty()
                ? Optional.empty()
                : Optional.of("**" + title + ":**\n\n- " + String.join("\n- ", items));
    }

    private Optional<String> deliveries() {
        return table(
                "Deliveries",
                work -> work != Work.IDLE && work != Work.REFUSED,
                List.of(
                        ranged("per CPU-second", Metric.PER_CPU_SECOND, "%,.0f"),
                        median("per second", Metric.PER_SECOND, "%,.0f"),
                        ranged("p50 ms", Metric.P50, "%,.2f"),
                        ranged("p99 ms", Metric.P99, "%,.2f"),
                        median("p99.9 ms", Metric.P99_9, "%,.2f"),
                        median("max ms", Metric.MAX, "%,.1f"),
                        median("RSS MB", Metric.RSS, "%,.0f"),
                        percent("server CPU", Metric.SERVER_CPU),
                        percent("generator CPU", Metric.GENERATOR_CPU),
                        percent("Redis CPU", Metric.REDIS_CPU),
                        percent("other CPU", Metric.OTHER_CPU),
                        text("counted", line -> line.common(counted(line.row())))));
    }

    /** How long the row was counted, and after what. */
    private static String counted(Row row) {
        Sizes sizes = row.sizes();
        String warmedUp = " after " + sizes.warmUp().toSeconds() + " s of warm-up";
        return switch (row.work()) {
            case STORM -> "the storm," + warmedUp;
            case STALLED ->
                sizes.stall().toSeconds() + " s," + warmedUp + " and "
                        + sizes.window().toSeconds() + " s before";
            default -> sizes.window().toSeconds() + " s" + warmedUp;
        };
    }

    private Optional<String> idle() {
        return table(
                "Idle connections",
                Work.IDLE::equals,
                List.of(
                        ranged("KB per connection", Metric.KB_PER_CONNECTION, "%.1f"),
                        ranged("RSS MB", Metric.RSS, "%,.0f")));
    }

    private Optional<String> stalled() {
        return table(
                "Clients that read nothing: the latencies of others before and meanwhile, and the server",
                Work.STALLED::equals,
                List.of(
                        median("p50 ms before", Metric.CALM_P50, "%,.2f"),
                        median("p50 ms", Metric.P50, "%,.2f"),
                        median("p99 ms before", Metric.CALM_P99, "%,.2f"),
                        median("p99 ms", Metric.P99, "%,.2f"),
                        median("RSS growth MB", Metric.RSS_GROWTH, "%,.1f"),
                        median("for each of them", Metric.RSS_GROWTH_PER_STALLED, "%,.2f"),
                        median("disconnected", Metric.STALLED_CLOSED, "%.0f")));
    }

    private Optional<String> storm() {
        return table(
                "Clients that connect at once: the latencies of others before and meanwhile, and the cost",
                work -> work == Work.STORM || work == Work.REFUSED,
                List.of(
                        median("p50 ms before", Metric.CALM_P50, "%,.2f"),
                        median("p50 ms", Metric.P50, "%,.2f"),
                        median("p99 ms before", Metric.CALM_P99, "%,.2f"),
                        ranged("p99 ms", Metric.P99, "%,.2f"),
                        ranged("seconds until all are subscribed", Metric.STORM_LENGTH, "%.1f"),
                        median("of them resumed", Metric.RESUMED, "%,.0f"),
                        ranged("RSS MB at most", Metric.PEAK_RSS, "%,.0f"),
                        ranged("KB for each then", Metric.KB_AFTER_STORM, "%.1f"),
                        ranged("a minute later", Metric.KB_RESTED, "%.1f"),
                        median("connected per second", Metric.CONNECTS_PER_SECOND, "%,.0f"),
                        median("in the busiest", Metric.CONNECTS_IN_BUSIEST_SECOND, "%,.0f"),
                        median("refused", Metric.REFUSALS, "%,.0f"),
                        median("unanswered", Metric.FAILED_CONNECTS, "%,.0f"),
                        median("CPU ms for each when none is refused", Metric.CPU_PER_CALM_CONNECT, "%.3f"),
                        ranged("in the storm", Metric.CPU_PER_CONNECT, "%.3f"),
                        ranged("for each refused", Metric.CPU_PER_REFUSAL, "%.3f")));
    }

    private Optional<String> ratios() {
        List<Measured> measured =
                Ratio.ALL.stream().flatMap(ratio -> ratio.of(results).stream()).toList();
        return measured.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        "### Ratios\n\n"
                                + Page.table(
                                        measured,
                                        List.of(
                                                text("", one -> one.ratio().name()),
                                                figure("", one -> format("%.2f", one.value())),
                                                text("ahead", Measured::ahead)))
                                + "\n\n**ahead**: the contender all of whose rounds are better than all of the other's, with three rounds or more.");
    }

    /** @param first whether it is the first of the row, which says what all have in common */
    private record Line(Row row, String contender, boolean first) {

        static Stream<Line> of(Row row) {
            List<String> contenders = row.contenders();
            return contenders.stream().map(contender -> new Line(row, contender, contender.equals(contenders.get(0))));
        }

        String common(String text) {
            return first ? text : "";
        }
    }

    private Optional<String> table(String title, Predicate<Work> works, List<Column<Line>> columns) {
        List<Line> lines = results.rows().stream()
                .filter(row -> works.test(row.work()))
                .flatMap(Line::of)
                .toList();
        List<Column<Line>> all = new ArrayList<>();
        all.add(text("work", line -> line.common(line.row().work().id())));
        all.add(text("contender", Line::contender));
        all.addAll(columns);
        all.add(figure("rounds", line -> line.common(Long.toString(line.row().rounds()))));
        all.add(text("Sluice at", line -> line.common(line.row().measured())));
        return lines.isEmpty() ? Optional.empty() : Optional.of("### " + title + "\n\n" + Page.table(lines, all));
    }

    private Column<Line> median(String title, Metric metric, String format) {
        return column(title, metric, spread -> format(format, spread.median()));
    }

    private Column<Line> percent(String title, Metric metric) {
        return column(title, metric, spread -> format("%.0f %%", spread.median() * 100));
    }

    /** With least and most beside the median. */
    private Column<Line> ranged(String title, Metric metric, String format) {
        return column(title, metric, spread -> spread.ranged(format));
    }

    private Column<Line> column(String title, Metric metric, Function<Spread, String> cell) {
        return figure(
                title,
                line -> line.row().spread(line.contender(), metric).map(cell).orElse(NOTHING));
    }

    private static String format(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
