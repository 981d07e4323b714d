package dev.sluice.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.process.Machine;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.report.Results.Row;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Sizes;
import dev.sluice.bench.work.Work.Trial;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProseTest {

    private static final Sizes SIZES = Sizes.full(Duration.ofSeconds(4), Duration.ofSeconds(5));

    @Test
    void curveSaysByHowMuchADeliveryCostsMoreWithMoreConnections() {
        assertEquals(
                Optional.of("10.0 µs with 1,000, 11.8 µs with 10,000 connections: 18 % more, at most a fifth"),
                verdict(
                        costs(Work.CONNECTIONS_100, 40),
                        costs(Work.CONNECTIONS_10000, 11.8),
                        costs(Work.CONNECTIONS_1000, 10)));
        assertEquals(
                Optional.of(
                        "10.0 µs with 1,000, 13.0 µs with 10,000, 11.0 µs with 19,000 connections: 30 % more, over a fifth"),
                verdict(
                        costs(Work.CONNECTIONS_1000, 10),
                        costs(Work.CONNECTIONS_10000, 13),
                        costs(Work.CONNECTIONS_19000, 11)));
        assertEquals(
                Optional.of("10.0 µs with 1,000, 9.0 µs with 10,000 connections: no growth"),
                verdict(costs(Work.CONNECTIONS_1000, 10), costs(Work.CONNECTIONS_10000, 9)));
    }

    /** What rounds to a fifth is not always at most a fifth. */
    @Test
    void curveRoundsItsFiguresAfterTheVerdict() {
        assertTrue(verdict(costs(Work.CONNECTIONS_1000, 10), costs(Work.CONNECTIONS_10000, 12.04))
                .orElseThrow()
                .endsWith(": 20 % more, over a fifth"));
        assertTrue(verdict(costs(Work.CONNECTIONS_1000, 16), costs(Work.CONNECTIONS_10000, 19.19))
                .orElseThrow()
                .endsWith(": 20 % more, at most a fifth"));
    }

    @Test
    void curveNeedsAThousandConnectionsAndMoreOfOneBuild() {
        assertEquals(Optional.empty(), verdict());
        assertEquals(Optional.empty(), verdict(costs(Work.CONNECTIONS_1000, 10)));
        assertEquals(Optional.empty(), verdict(costs(Work.CONNECTIONS_10000, 10), costs(Work.CONNECTIONS_19000, 10)));
        assertEquals(
                Optional.empty(),
                verdict(
                        costs(Work.CONNECTIONS_1000, 10),
                        row(Work.CONNECTIONS_10000, "older", "sluice", Metric.PER_CPU_SECOND, 1e5)));
    }

    @Test
    void tableOfTheCurveHasLeastAndMostAndWhatAThousandCost() {
        Row thousand = row(Work.CONNECTIONS_1000, "a", "sluice", Metric.PER_CPU_SECOND, 100_000, 80_000, 125_000);
        add(thousand, "node", Map.of(Metric.PER_CPU_SECOND, 50_000.0));
        Row more = row(Work.CONNECTIONS_10000, "a", "sluice", Metric.PER_CPU_SECOND, 50_000);

        String table =
                new Curve(new Results(false, List.of(thousand, more))).table().orElseThrow();

        assertTrue(table.contains("""
                |connections|contender|µs of CPU|against 1,000 connections|
                |--:|---|--:|--:|
                |1,000|sluice|10.0 (8.0–12.5)|1.00|
                |1,000|node|20.0|1.00|
                |10,000|sluice|20.0|2.00|
                """));
        assertTrue(
                table.endsWith("Sluice: 10.0 µs with 1,000, 20.0 µs with 10,000 connections: 100 % more, over a fifth."
                        + " [Why they grow](../README.md#with-10000-connections)."));
    }

    @Test
    void stormNamesPeersAndWhatWasMeasured() {
        Row row = row(Work.STORM, "a", "sluice", Metric.STORM_LENGTH);
        assertEquals("", prose().storm());
        assertEquals("", prose().returningClients());
        Map<Metric, Double> calm = Map.of(Metric.STORM_LENGTH, 7.72, Metric.CALM_P99, 11.0, Metric.P99, 635.4);
        add(row, "sluice", calm);
        add(row, "sluice", Map.of(Metric.STORM_LENGTH, 8.11, Metric.CALM_P99, 11.2, Metric.P99, 635.4));
        add(row, "sluice", calm);
        assertEquals(
                "10,000 clients: all subscribed after 7.7 s, p99 of others 635 ms.",
                prose(row).storm());
        assertEquals(
                "- `sluice`: all subscribed after 7.7 to 8.1 s; p99 of others before 11 ms, meanwhile 635 ms",
                prose(row).returningClients());

        add(row, "centrifugo", Map.of(Metric.STORM_LENGTH, 2.9, Metric.CALM_P99, 18.0, Metric.P99, 1_738.0));
        add(
                row,
                "sluice-v2",
                Map.of(
                        Metric.STORM_LENGTH, 9.0,
                        Metric.CALM_P99, 12.0,
                        Metric.P99, 700.0,
                        Metric.RESUMED, 10_000.0,
                        Metric.KB_AFTER_STORM, 20.5,
                        Metric.KB_RESTED, 9.9));
        assertEquals(
                "10,000 clients: all subscribed after 7.7 s (Centrifugo 2.9), p99 of others 635 ms (1,738)."
                        + " `sluice.v2` resumed after 9.0 s.",
                prose(row).storm());
        assertTrue(prose(row)
                .returningClients()
                .endsWith(
                        "\n- `sluice-v2`: all subscribed, 10,000 resumed after 9.0 s; p99 of others before 12 ms, meanwhile 700 ms;"
                                + " 20.5 KB for each then, a minute later 9.9 KB"));
    }

    @Test
    void olderBuildIsNamed() {
        Row fanOut = row(Work.FAN_OUT, "new", "sluice", Metric.PER_CPU_SECOND, 110, 120, 130);
        add(fanOut, "sluice-before", Map.of(Metric.PER_CPU_SECOND, 100.0));
        assertEquals(
                "Per CPU-second, new against old: fan-out 1.20 times. Nothing is slower in all rounds.",
                prose(fanOut).againstBefore());

        Row direct = row(Work.DIRECT, "new", "sluice", Metric.PER_CPU_SECOND, 50, 51, 52);
        for (int round = 1; round <= 3; round++) {
            add(direct, "sluice-before", Map.of(Metric.PER_CPU_SECOND, 100.0 + round));
        }
        assertTrue(prose(fanOut, direct).againstBefore().endsWith("Slower in all rounds: direct."));
        assertEquals("", prose().againstBefore());
    }

    @Test
    void protocolsAreComparedWithV1() {
        Row row = row(Work.FAN_OUT, "a", "sluice", Metric.PER_CPU_SECOND, 100);
        assertEquals("", prose(row).protocols());
        add(row, "sluice-v2", Map.of(Metric.PER_CPU_SECOND, 95.0));
        add(row, "sluice-sse", Map.of(Metric.PER_CPU_SECOND, 100.0));
        assertEquals(
                "Against v1, per CPU-second: `sluice.v2` fan-out 95 %; server-sent events fan-out 100 %.",
                prose(row).protocols());
    }

    /** What is no longer among the results leaves no figure behind. */
    @Test
    void pagesHaveNoFigureOfWhatIsNotMeasured() throws IOException {
        Map<String, String> files = new Results(false, List.of()).files(Path.of(".."));
        assertFalse(files.get("docs/performance.md").contains("all subscribed after"));
        assertTrue(files.get("docs/performance.md").contains("<!--run-curve--><!--/run-curve-->"));
    }

    /** bench/start writes it when all is measured. */
    @Test
    void pageHasAPlaceForStarts() throws IOException {
        assertTrue(Page.read(Path.of("../docs/performance.md"), "start")
                .write("ready", "jar: 1.00 s")
                .text()
                .contains("<!--start-ready-->jar: 1.00 s<!--/start-ready-->"));
    }

    private static Prose prose(Row... rows) {
        return new Prose(new Results(false, List.of(rows)));
    }

    private static Optional<String> verdict(Row... rows) {
        return new Curve(new Results(false, List.of(rows))).verdict();
    }

    private static Row costs(Work work, double micros) {
        return row(work, "a", "sluice", Metric.PER_CPU_SECOND, 1e6 / micros);
    }

    private static Row row(Work work, String commit, String contender, Metric metric, double... values) {
        Machine machine =
                new Machine("cpu", 2, "kernel", "jdk", "flags", "node", "nginx", "centrifugo", commit, "old", "day");
        Row row = new Row(work, machine, SIZES, new ArrayList<>(), List.of());
        for (double value : values) {
            add(row, contender, Map.of(metric, value));
        }
        return row;
    }

    private static void add(Row row, String contender, Map<Metric, Double> values) {
        row.trials().add(new Trial(contender, row.trials().size() + 1, values));
    }
}
