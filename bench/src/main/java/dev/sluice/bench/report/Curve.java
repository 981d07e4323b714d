package dev.sluice.bench.report;

import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;

import dev.sluice.bench.process.Page;
import dev.sluice.bench.report.Results.Row;
import dev.sluice.bench.report.Results.Spread;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a delivery costs with more and more connections at the same total rate. Each number of connections is a row of
 * its own; only those are compared that were measured of one build on one day.
 */
final class Curve {

    private static final String WORKS = "connections-";
    private static final String SLUICE = "sluice";
    private static final List<String> CONTENDERS = List.of(SLUICE, "node", "centrifugo", "socket.io", "nchan");
    private static final int BASE = 1_000;
    private static final int MOST_GROWTH = 20;

    /** @param cost the CPU time of a delivery in microseconds */
    private record Point(int connections, String contender, Spread cost) {}

    private final List<Point> points;

    Curve(Results results) {
        Optional<Row> base = results.row(Work.CONNECTIONS_1000, CONTENDERS);
        Predicate<Row> alike =
                row -> row.machine().equals(base.map(Row::machine).orElse(null));
        points = Stream.of(Work.values())
                .filter(work -> work.id().startsWith(WORKS))
                .flatMap(work -> results.row(work, CONTENDERS).stream())
                .filter(alike)
                .flatMap(Curve::points)
                .sorted(Comparator.comparingInt(Point::connections))
                .toList();
    }

    private static Stream<Point> points(Row row) {
        int connections = Integer.parseInt(row.work().id().substring(WORKS.length()));
        return row.contenders().stream()
                .flatMap(contender -> row.spread(contender, Metric.PER_CPU_SECOND).stream()
                        .map(rate -> new Point(connections, contender, rate.reciprocal(1e6))));
    }

    /** The points as a table, and what they say of Sluice; empty if none was measured. */
    Optional<String> table() {
        return points.isEmpty()
                ? Optional.empty()
                : Optional.of("### What a delivery costs, by connections\n\n"
                        + Page.table(
                                points,
                                List.of(
                                        figure("connections", point -> Page.grouped(point.connections())),
                                        text("contender", Point::contender),
                                        figure(
                                                "µs of CPU",
                                                point -> point.cost().ranged("%.1f")),
                                        figure("against 1,000 connections", this::againstBase)))
                        + "\n\nMedians of rows that were measured one after another, not in turn."
                        + verdict().map(verdict -> " Sluice: " + verdict + ".").orElse("")
                        + " [Why they grow](../README.md#with-10000-connections).");
    }

    private String againstBase(Point point) {
        return cost(point.contender(), BASE)
                .map(base -> format("%.2f", point.cost().median() / base))
                .orElse("–");
    }

    private Optional<Double> cost(String contender, int connections) {
        return points.stream()
                .filter(point -> point.contender().equals(contender) && point.connections() == connections)
                .map(point -> point.cost().median())
                .findFirst();
    }

    /** Whether a delivery of Sluice costs at most a fifth more with more than 1,000 connections; empty if unknown. */
    Optional<String> verdict() {
        List<Point> own = points.stream()
                .filter(point -> point.contender().equals(SLUICE) && point.connections() >= BASE)
                .toList();
        if (own.size() < 2 || own.get(0).connections() != BASE) {
            return Optional.empty();
        }
        double base = own.get(0).cost().median();
        double most =
                own.stream().mapToDouble(point -> point.cost().median()).max().orElseThrow();
        double growth = (most / base - 1) * 100;
        return Optional.of(own.stream()
                .map(point -> format("%.1f µs with ", point.cost().median()) + Page.grouped(point.connections()))
                .collect(Collectors.joining(", ", "", " connections: " + growth(growth))));
    }

    private static String growth(double percent) {
        if (percent <= 0) {
            return "no growth";
        }
        return format("%.0f %% more, ", percent) + (percent > MOST_GROWTH ? "over a fifth" : "at most a fifth");
    }

    private static String format(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
