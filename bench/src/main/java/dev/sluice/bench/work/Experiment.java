package dev.sluice.bench.work;

import java.util.Map;

/** How a work is done and measured. */
interface Experiment {

    /** So many that nobody is refused. */
    int NO_LIMIT = 100_000;

    Map<Metric, Double> run(Stage stage, Sizes sizes);

    /** How many may connect to the server in a second. */
    default int connectsPerSecond(Sizes sizes) {
        return NO_LIMIT;
    }
}
