package dev.sluice.bench.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Timing.Absences;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.rollout.Rollout.Update.Replacement;
import dev.sluice.bench.rollout.RolloutPage.UpdateFinding;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class RolloutPageTest {

    private static final Machine MACHINE =
            new Machine("a processor", 2, "Linux 6", "25", "none", "20", "none", "abc1234", "2026-11-25");

    @Test
    void everyPlaceholderIsFilled() {
        String markdown = markdown(finding(Map.of("1012", 2000), List.of()));

        assertFalse(markdown.contains("${"), markdown);
        assertTrue(markdown.contains("Seed 7, 3 pods, 2,000 clients, a processor, 2 cores"), markdown);
        assertTrue(markdown.contains("| longest time without a connection, ms | 250.1 |"), markdown);
        assertTrue(markdown.contains("| old pods gone after | 15.2 s |"), markdown);
    }

    @Test
    void otherCloseCodesAreErrors() {
        assertEquals(List.of(), finding(Map.of("1012", 2000), List.of()).objections());

        UpdateFinding finding = finding(Map.of("1012", 1999, "1006", 1), List.of("u1 was told something"));

        assertEquals(2, finding.errors());
        assertEquals(2, finding.objections().size());
        assertTrue(markdown(finding).contains("| errors seen by clients | 2 |"));
    }

    private static String markdown(UpdateFinding finding) {
        return new RolloutPage(MACHINE, 7, 3, 2000, finding).markdown();
    }

    private static UpdateFinding finding(Map<String, Integer> endings, List<String> surprises) {
        Histogram lengths = new Histogram(3);
        lengths.recordValue(Duration.ofMillis(250).toNanos());
        return new UpdateFinding(
                List.of(new Replacement("a", "d", Duration.ofMillis(4540), Duration.ofMillis(15_200))),
                10_000,
                new Balance(),
                new Absences(lengths, 70, endings),
                new Histogram(3),
                new Histogram(3),
                surprises);
    }
}
