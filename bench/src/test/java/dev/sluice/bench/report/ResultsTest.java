package dev.sluice.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.report.FleetReport.Joins;
import dev.sluice.bench.report.FleetReport.Mode;
import dev.sluice.bench.report.FleetReport.PodCost;
import dev.sluice.bench.report.FleetReport.RedisCost;
import dev.sluice.bench.report.FleetReport.Section;
import dev.sluice.bench.report.Results.Ratio;
import dev.sluice.bench.report.Results.Row;
import dev.sluice.bench.report.Results.Spread;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ResultsTest {

    private static final Path ROOT = Path.of("..");
    private static int rows;

    @Test
    void publishedPagesHaveTheFiguresOfThePublishedResults() throws IOException {
        Results published = Results.read(ROOT);

        for (Map.Entry<String, String> file : published.files(ROOT).entrySet()) {
            assertEquals(
                    file.getValue(),
                    Files.readString(ROOT.resolve(file.getKey())),
                    file.getKey() + " differs from bench/results/results.json; bench/run --pages writes it again");
        }
        assertFalse(published.quick());
    }

    @Test
    void pagesLinkTheChartsThatAreThere() throws IOException {
        Results published = Results.read(ROOT);
        try (Stream<Path> files = Files.list(ROOT.resolve("bench/results"))) {
            assertEquals(
                    Chart.all(published).keySet(),
                    files.map(file -> file.getFileName().toString())
                            .filter(file -> file.endsWith(".svg"))
                            .collect(Collectors.toSet()));
        }

        Map<String, String> none = new Results(false, List.of()).files(ROOT);
        assertFalse(none.get("bench/README.md").contains(".svg)"));
    }

    @Test
    void curvesAreDrawnOnceTheyAreMeasured() throws IOException {
        Row some = Results.read(ROOT).rows().get(0);
        List<Row> curves = Stream.of(Work.values())
                .filter(work -> work.id().matches("(connections|payload)-\\d+"))
                .map(work -> new Row(work, some.machine(), some.sizes(), some.trials(), List.of()))
                .toList();
        Map<String, String> files = new Results(false, curves).files(ROOT);

        assertPanels(
                files,
                "connections.svg",
                "1 connection",
                "10 connections",
                "100 connections",
                "1,000 connections",
                "10,000 connections",
                "19,000 connections",
                "40,000 connections");
        assertPanels(files, "payloads.svg", "20 bytes", "2,000 bytes", "64,000 bytes");
    }

    /** Fails unless the pages link the chart, and it has these panels. */
    private static void assertPanels(Map<String, String> files, String chart, String... titles) {
        assertTrue(files.get("bench/results/results.md").contains("](" + chart + ")"));
        assertTrue(files.get("bench/README.md").contains("](results/" + chart + ")"));
        assertEquals(
                List.of(titles),
                Pattern.compile("<text class=\"panel\"[^>]*>([^<]*)</text>")
                        .matcher(files.get("bench/results/" + chart))
                        .results()
                        .map(panel -> panel.group(1))
                        .toList());
    }

    @Test
    void aheadMeansThatRangesOfThreeRoundsAreDisjoint() {
        Spread three = Spread.of(10, 11, 12);

        assertTrue(three.isAheadOf(Spread.of(7, 8, 9), false));
        assertFalse(three.isAheadOf(Spread.of(8, 9, 10), false));
        assertFalse(three.isAheadOf(Spread.of(8, 9), false));
        assertFalse(Spread.of(10, 11).isAheadOf(Spread.of(7, 8, 9), false));
        assertTrue(three.isAheadOf(Spread.of(13, 14, 15), true));
        assertFalse(three.isAheadOf(Spread.of(7, 8, 9), true));
    }

    @Test
    void ratioNamesTheContenderThatIsAhead() {
        assertEquals("sluice", ahead(5));
        assertEquals("node", ahead(-5));
        assertEquals("–", ahead(1));
    }

    @Test
    void runReplacesOnlyRowsThatItMeasuredAnew() {
        Row direct = row(Work.DIRECT, 3, "sluice", "node");
        Row streams = row(Work.DIRECT, 3, "sluice", "sluice-stream");
        Row idle = row(Work.IDLE, 3, "sluice", "node");
        Results before = new Results(false, List.of(direct, streams, idle));

        Row same = row(Work.DIRECT, 3, "sluice", "node");
        assertRows(before.with(same), streams, same, idle);
        Row more = row(Work.DIRECT, 3, "sluice", "node", "sluice-stream");
        assertRows(before.with(more), more, idle);
        Row fewer = row(Work.DIRECT, 3, "sluice");
        assertRows(before.with(fewer), direct, streams, fewer, idle);
    }

    @Test
    void rowsNeedThreeRounds() {
        Row old = row(Work.DIRECT, 2, "sluice", "node", "nchan");
        Results before = new Results(false, List.of(old));

        assertRows(before.with(row(Work.DIRECT, 2, "sluice", "node", "nchan")), old);
        Row newer = row(Work.DIRECT, 3, "sluice");
        assertRows(before.with(newer), newer);
    }

    @Test
    void contenderOfWhichARoundFailedIsLeftOut() {
        Row row = row(Work.DIRECT, 3, "sluice", "node");
        row.trials().remove(0);
        row.failures().add("direct sluice round 1: failed");

        Row published = new Results(false, List.of())
                .with(row)
                .row(Work.DIRECT, List.of("node"))
                .orElseThrow();

        assertEquals(List.of("node"), published.contenders());
        assertEquals(row.failures(), published.failures());
    }

    /** Figures of different rows, and so of different runs, are not to be compared. */
    @Test
    void ratioNeedsOneRowWithBoth() {
        Ratio ratio = ratio("fan-out per CPU-second: sluice / node");
        Row sluice = row(Work.FAN_OUT, 3, "sluice", "nchan");
        Row node = row(Work.FAN_OUT, 3, "node", "nchan");

        assertTrue(ratio.of(new Results(false, List.of(sluice, node))).isEmpty());
        Row both = row(Work.FAN_OUT, 3, "node", "sluice");
        assertEquals(
                1,
                ratio.of(new Results(false, List.of(sluice, both, node)))
                        .orElseThrow()
                        .value());
    }

    @Test
    void comparisonTakesTheNewestOfTheRowsWithMostContenders() {
        Row old = row(Work.DIRECT, 3, "sluice", "node");
        Row newer = row(Work.DIRECT, 3, "sluice", "node");
        Row other = row(Work.DIRECT, 3, "sluice", "sluice-v2");

        assertSame(
                newer,
                new Results(false, List.of(old, newer, other))
                        .row(Work.DIRECT, List.of("sluice", "node", "nchan"))
                        .orElseThrow());
    }

    @Test
    void rowsOfTheFleetHaveTheMedianTheRangeAndTheRounds() {
        assertEquals(
                """
                |channels wanted|mode|CPU per publication, µs|CPU without publications, % of a core|deliveries per second|rounds|
                |--:|---|--:|--:|--:|--:|
                |1 %|pattern|3.10 (2.90–3.20)|1.0|100|3|
                |1 %|exact|0.25|1.5 (1.0–2.0)|100|2|""",
                FleetReport.pods(List.of(
                                new PodCost(Mode.PATTERN, 1, 3.1, 1, 100),
                                new PodCost(Mode.EXACT, 1, 0.25, 1, 100),
                                new PodCost(Mode.PATTERN, 1, 3.2, 1, 100),
                                new PodCost(Mode.EXACT, 1, 0.25, 2, 100),
                                new PodCost(Mode.PATTERN, 1, 2.9, 1, 100)))
                        .table());
        assertEquals(
                """
                |pods|mode|Redis's CPU per publication, µs|bytes to all pods per publication|messages per pod and 100 publications|rounds|
                |--:|---|--:|--:|--:|--:|
                |10|pattern|51.0 (50.0–52.0)|2,579|100|2|
                |10|exact, 20 % wanted|35.1|486|20|1|""",
                FleetReport.redis(List.of(
                                new RedisCost(Mode.PATTERN, 10, 100, 50, 2_578.8, 100),
                                new RedisCost(Mode.EXACT, 10, 20, 35.1, 485.8, 20.02),
                                new RedisCost(Mode.PATTERN, 10, 100, 52, 2_578.8, 100)))
                        .table());
        assertEquals(
                """
                |mode|seconds until all are answered|failed attempts|SUBSCRIBE commands|another client's p99 ms before|meanwhile|rounds|
                |---|--:|--:|--:|--:|--:|--:|
                |pattern|1.10|0|0|0.9|12.0|1|
                |exact|1.50 (1.25–1.75)|1 (0–3)|120 (100–1,400)|0.8 (0.7–0.9)|20.0 (10.0–30.0)|3|""",
                FleetReport.joins(List.of(
                                new Joins(Mode.PATTERN, 1.1, 0, 0, 0.9, 12),
                                new Joins(Mode.EXACT, 1.75, 0, 100, 0.9, 10),
                                new Joins(Mode.EXACT, 1.25, 3, 1_400, 0.7, 20),
                                new Joins(Mode.EXACT, 1.5, 1, 120, 0.8, 30)))
                        .table());
    }

    @Test
    void adviceOfTheFleetSaysWhereTheLinesCross() {
        assertEquals(
                Optional.of("a pod's below 75 %"),
                FleetReport.pods(List.of(
                                new PodCost(Mode.PATTERN, 1, 3, 0, 0),
                                new PodCost(Mode.EXACT, 1, 0.5, 0, 0),
                                new PodCost(Mode.PATTERN, 50, 5, 0, 0),
                                new PodCost(Mode.EXACT, 50, 4.5, 0, 0),
                                new PodCost(Mode.EXACT, 50, 4.6, 0, 0),
                                new PodCost(Mode.EXACT, 50, 9, 0, 0),
                                new PodCost(Mode.PATTERN, 100, 7, 0, 0),
                                new PodCost(Mode.EXACT, 100, 7.38, 0, 0)))
                        .advice());
        assertEquals(Optional.of("a pod's in any case"), adviceOfOnePoint(1, 0.9));
        assertEquals(Optional.of("not a pod's"), adviceOfOnePoint(1, 1.1));
    }

    /** The fleet with the least crossing counts. What patterns cost does not depend on what is wanted. */
    @Test
    void adviceOfTheFleetHoldsForEachNumberOfPods() {
        List<RedisCost> ten = List.of(
                new RedisCost(Mode.PATTERN, 10, 100, 50, 0, 0),
                new RedisCost(Mode.EXACT, 10, 20, 30, 0, 0),
                new RedisCost(Mode.EXACT, 10, 50, 45, 0, 0),
                new RedisCost(Mode.EXACT, 10, 100, 60, 0, 0));
        List<RedisCost> hundred = List.of(
                new RedisCost(Mode.PATTERN, 100, 100, 400, 0, 0),
                new RedisCost(Mode.EXACT, 100, 50, 250, 0, 0),
                new RedisCost(Mode.EXACT, 100, 100, 500, 0, 0));

        assertEquals(
                Optional.of("Redis's CPU if each pod wants less than 65 % of the channels"),
                FleetReport.redis(Stream.of(hundred, ten).flatMap(List::stream).toList())
                        .advice());
        assertEquals(
                Optional.of("Redis's CPU if each pod wants less than 80 % of the channels"),
                FleetReport.redis(hundred).advice());
        assertEquals(
                Optional.of("Redis's CPU, however many of the channels each pod wants"),
                FleetReport.redis(ten.subList(0, 3)).advice());
    }

    private static Optional<String> adviceOfOnePoint(double pattern, double exact) {
        return FleetReport.pods(
                        List.of(new PodCost(Mode.PATTERN, 20, pattern, 0, 0), new PodCost(Mode.EXACT, 20, exact, 0, 0)))
                .advice();
    }

    /** Each part of bench/fleet may be measured alone, and leaves what the others have written. */
    @Test
    void pagesHaveAPlaceForEachPartOfTheFleet() throws IOException {
        assertTrue(FleetReport.joins(List.of())
                .files(ROOT, "Three rounds.")
                .get("bench/results/results.md")
                .contains("<!--fleet-joins-run-->\nThree rounds.\n<!--/"));
        for (String name : List.of("redis", "pod")) {
            Map<String, String> files =
                    new Section(name, "|table|", Optional.of("nothing")).files(ROOT, "Three rounds.");
            assertTrue(files.get("bench/results/results.md")
                    .contains("<!--fleet-" + name + "-run-->\nThree rounds.\n<!--/"));
            assertTrue(files.get("docs/operations.md").contains("<!--fleet-" + name + "-advice-->nothing<!--/"));
        }
    }

    private static void assertRows(Results results, Row... rows) {
        assertEquals(List.of(rows), results.rows());
    }

    private static Row row(Work work, int rounds, String... contenders) {
        List<Trial> trials = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            for (String contender : contenders) {
                trials.add(new Trial(contender, round, Map.of(Metric.PER_CPU_SECOND, (double) round)));
            }
        }
        // A failure of its own, because rows are compared by value.
        return new Row(work, null, null, trials, new ArrayList<>(List.of("row " + rows++)));
    }

    /** The contender that is ahead after three rounds of fan-out, in which the values of Sluice are greater by this. */
    private static String ahead(double by) {
        Row row = row(Work.FAN_OUT, 3, "node");
        for (int round = 1; round <= 3; round++) {
            row.trials().add(new Trial("sluice", round, Map.of(Metric.PER_CPU_SECOND, round + by)));
        }
        return ratio("fan-out per CPU-second: sluice / node")
                .of(new Results(false, List.of(row)))
                .orElseThrow()
                .ahead();
    }

    private static Ratio ratio(String name) {
        return Ratio.ALL.stream()
                .filter(one -> one.name().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
