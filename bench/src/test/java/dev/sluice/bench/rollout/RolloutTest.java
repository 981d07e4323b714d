package dev.sluice.bench.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Timing.Absences;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.trial.RollingUpdate;
import dev.sluice.bench.trial.RollingUpdate.Replacement;
import dev.sluice.bench.trial.Watchers.Told;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class RolloutTest {

    private static final Path PAGE = Path.of("results", "results.md");

    @Test
    void pageStatesTheFiguresOfTheUpdate() throws IOException {
        String markdown = markdown(finding(Map.of("1012", 2000), List.of()));

        assertTrue(markdown.contains("\nSeed 7\n"), markdown);
        assertTrue(markdown.contains("|longest time without a connection, ms|250.1|"), markdown);
        assertTrue(markdown.contains("|old pods gone after|15.2 s|"), markdown);
    }

    /** These numbers are in the prose, which no program writes. */
    @Test
    void pagesStateTheSettingsOfTheUpdate() throws IOException {
        String markdown = Files.readString(PAGE) + Files.readString(Path.of("README.md"));

        for (String setting : List.of(
                "%d\\s+seconds\\s+of\\s+`sluice.drain.delay`".formatted(RollingUpdate.DRAIN_DELAY.toSeconds()),
                "%d\\s+of\\s+`sluice.drain.period`".formatted(RollingUpdate.DRAIN_PERIOD.toSeconds()),
                "%d\\s+seconds\\s+\\(`minReadySeconds`\\)".formatted(RollingUpdate.MIN_READY.toSeconds()))) {
            assertTrue(Pattern.compile("\\b" + setting).matcher(markdown).find(), setting);
        }
    }

    @Test
    void otherCloseCodesAreErrors() throws IOException {
        assertEquals(List.of(), finding(Map.of("1012", 2000), List.of()).objections());

        UpdateFinding finding = finding(Map.of("1012", 1999, "1006", 1), List.of("u1 was told something"));

        assertEquals(2, finding.errors());
        assertEquals(2, finding.objections().size());
        assertTrue(markdown(finding).contains("|errors seen by clients|2|"));
    }

    @Test
    void leavesOfUsersWhoCameBackAreWrong() {
        Told told = new Told(8, 600, 24, 0, 1, 8, 0, 0);
        assertEquals(
                1, finding(Map.of("1012", 2000), List.of(), told).objections().size());
    }

    /** A program that tells nobody that a user left must not pass. */
    @Test
    void watchersMustBeToldOnceOfTheUserWhoLeft() {
        for (Told told : List.of(
                new Told(8, 600, 24, 0, 0, 0, 0, 0),
                new Told(8, 600, 24, 0, 0, 7, 1, 0),
                new Told(8, 600, 24, 0, 0, 8, 0, 1))) {
            assertEquals(
                    1,
                    finding(Map.of("1012", 2000), List.of(), told).objections().size(),
                    told::toString);
        }
        // One was away.
        assertEquals(
                List.of(),
                finding(Map.of("1012", 2000), List.of(), new Told(8, 600, 24, 0, 0, 7, 0, 0))
                        .objections());
    }

    private static String markdown(UpdateFinding finding) throws IOException {
        Page page = Page.read(PAGE, "rollout").writeLines("run", "Seed 7");
        UpdateFinding.write(page, List.of(finding));
        return page.text();
    }

    private static UpdateFinding finding(Map<String, Integer> endings, List<String> surprises) {
        return finding(endings, surprises, new Told(8, 600, 24, 0, 0, 8, 0, 0));
    }

    private static UpdateFinding finding(Map<String, Integer> endings, List<String> surprises, Told told) {
        Histogram lengths = new Histogram(3);
        lengths.recordValue(Duration.ofMillis(250).toNanos());
        return new UpdateFinding(
                List.of(new Replacement("a", "d", Duration.ofMillis(4540), Duration.ofMillis(15_200))),
                10_000,
                new Balance(),
                new Absences(lengths, 70, endings),
                new Histogram(3),
                new Histogram(3),
                surprises,
                told);
    }
}
