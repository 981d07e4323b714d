package dev.sluice.bench.work;

import dev.sluice.bench.process.Waiting;
import java.util.EnumMap;
import java.util.Map;

/** Many connections, and nothing to say to them. */
final class Idle implements Experiment {

    private static final int REHEARSAL = 100;

    @Override
    public Map<Metric, Double> run(Stage stage, Sizes sizes) {
        stage.rehearse(REHEARSAL);
        long before = restingMemory(stage, sizes);
        stage.admitUsers(sizes.idleConnections());
        long after = restingMemory(stage, sizes);

        Map<Metric, Double> values = new EnumMap<>(Metric.class);
        values.put(Metric.KB_PER_CONNECTION, Units.kilobytes(after - before) / sizes.idleConnections());
        return values;
    }

    private static long restingMemory(Stage stage, Sizes sizes) {
        Waiting.sleep(sizes.settle());
        stage.collectGarbage();
        Waiting.sleep(sizes.settle());
        return stage.server().process().residentBytes();
    }
}
