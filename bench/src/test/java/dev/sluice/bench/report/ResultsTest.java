package dev.sluice.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.report.Results.Ratio;
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
import org.junit.jupiter.api.Test;

class ResultsTest {

    private static final Path ROOT = Path.of("..");

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

    /** The contender that is ahead after three rounds of fan-out, in which the values of Sluice are greater by this. */
    private static String ahead(double by) {
        List<Trial> trials = new ArrayList<>();
        for (int round = 1; round <= 3; round++) {
            trials.add(new Trial(Work.FAN_OUT, "sluice", round, Map.of(Metric.PER_CPU_SECOND, round + by)));
            trials.add(new Trial(Work.FAN_OUT, "node", round, Map.of(Metric.PER_CPU_SECOND, (double) round)));
        }
        Ratio ratio = Ratio.ALL.stream()
                .filter(one -> one.name().equals("fan-out per CPU-second: sluice / node"))
                .findFirst()
                .orElseThrow();
        return ratio.ahead(new Results(null, null, false, trials, List.of()));
    }
}
