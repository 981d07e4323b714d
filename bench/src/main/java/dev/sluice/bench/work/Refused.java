package dev.sluice.bench.work;

import dev.sluice.bench.load.Storm;
import dev.sluice.harness.ServerProcess;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What clients cost that come at once and are told to come again. */
final class Refused implements Experiment {

    /** Enough for what a refusal runs through to be compiled. */
    private static final int REHEARSALS = 2;

    private static final double NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);

    /** As few as there can be. */
    @Override
    public int connectsPerSecond(Sizes sizes) {
        return 1;
    }

    @Override
    public Map<Metric, Double> run(Stage stage, Sizes sizes) {
        for (int i = 0; i < REHEARSALS; i++) {
            knock(stage, sizes.crowd());
        }
        long before = stage.server().process().cpuNanos();
        int refusals = knock(stage, sizes.crowd());
        long nanos =
                Math.max(ServerProcess.NANOS_PER_TICK, stage.server().process().cpuNanos() - before);

        Map<Metric, Double> values = new EnumMap<>(Metric.class);
        values.put(Metric.REFUSALS, (double) refusals);
        values.put(Metric.CPU_PER_REFUSAL, nanos / NANOS_PER_MILLI / refusals);
        return values;
    }

    private static int knock(Stage stage, int clients) {
        try (Storm storm = stage.storm(clients, 1)) {
            storm.rage();
            return storm.course().refusals();
        }
    }
}
