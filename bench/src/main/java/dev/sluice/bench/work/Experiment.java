package dev.sluice.bench.work;

import java.util.Map;

/** How a work is done and measured. */
interface Experiment {

    Map<Metric, Double> run(Stage stage, Sizes sizes);
}
