package dev.sluice.bench.report;

import dev.sluice.bench.work.Metric;
import dev.sluice.bench.work.Sizes;
import dev.sluice.bench.work.Trial;
import dev.sluice.bench.work.Work;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Everything that came out.
 *
 * @param quick whether it is a smoke run, whose figures mean nothing
 * @param failures trials that gave no figures, and why
 */
public record Results(Machine machine, Sizes sizes, boolean quick, List<Trial> trials, List<String> failures) {

    private static final double DISTURBING = 0.15;

    /** Median and range of what the rounds gave; empty where none gave it. */
    Optional<Spread> spread(Work work, String contender, Metric metric) {
        double[] values = trials.stream()
                .filter(trial -> trial.work() == work && trial.contender().equals(contender))
                .filter(trial -> trial.values().containsKey(metric))
                .mapToDouble(trial -> trial.values().get(metric))
                .toArray();
        return values.length == 0 ? Optional.empty() : Optional.of(Spread.of(values));
    }

    /** The contenders that have done the work, in the order in which they did. */
    List<String> contenders(Work work) {
        return trials.stream()
                .filter(trial -> trial.work() == work)
                .map(Trial::contender)
                .distinct()
                .toList();
    }

    /** The trials during which so much of a core went elsewhere that their figures are doubtful. */
    List<Trial> disturbed() {
        return trials.stream()
                .filter(trial -> trial.values().getOrDefault(Metric.OTHER_CPU, 0.0) > DISTURBING)
                .toList();
    }

    /** The works that were done. */
    List<Work> works() {
        return Arrays.stream(Work.values())
                .filter(work -> !contenders(work).isEmpty())
                .toList();
    }
}
