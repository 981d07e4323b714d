package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Absences;
import dev.sluice.bench.account.Balance;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * What came of an update.
 *
 * @param publications that were sent to Redis
 * @param before how late publications were before it, in nanoseconds
 * @param meanwhile and from its beginning until it was over
 * @param surprises what was said to clients from its beginning on and never should be
 */
record Outcome(
        List<Replacement> replacements,
        int publications,
        Balance balance,
        Absences absences,
        Histogram before,
        Histogram meanwhile,
        List<String> surprises) {

    private static final int MOST_EXAMPLES = 20;

    /** What clients saw that should not be: connections that ended otherwise than with 1012, refusals, and answers. */
    int errors() {
        return absences.errors() + surprises.size();
    }

    /** What must not be, in words; empty where all is well. */
    List<String> objections() {
        List<String> objections = new ArrayList<>(balance.examples());
        surprises.stream().limit(MOST_EXAMPLES).forEach(objections::add);
        if (absences.errors() > 0) {
            objections.add("%d connections did not end with 1012: %s".formatted(absences.errors(), absences.endings()));
        }
        return objections;
    }
}
