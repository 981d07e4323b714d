package dev.sluice.bench.work;

import dev.sluice.bench.load.ChannelName;
import dev.sluice.bench.load.FanOut;
import dev.sluice.bench.process.Waiting;
import java.time.Duration;
import java.util.Map;

/** What clients that read nothing cost the others, and the server's memory. */
final class Stalled implements Experiment {

    /** So large that each stalled client has 80 KB/s coming that it doesn't take. */
    private static final int PAYLOAD_BYTES = 4096;

    /** One client in so many. */
    private static final int ONE_IN = 100;

    /** Enough to read what is left in the send queue of a connection, and then that it is closed. */
    private static final Duration WAKE = Duration.ofSeconds(3);

    @Override
    public Map<Metric, Double> run(Stage stage, Sizes sizes) {
        int sleepers = sizes.connections() / ONE_IN;
        int readers = sizes.connections() - sleepers;
        stage.admitSubscribers(readers);
        ChannelName channel = ChannelName.of("upload:" + Stage.UPLOAD);
        stage.publishAtPace(new FanOut(stage.publication(channel, PAYLOAD_BYTES), readers), Paced.PER_SECOND);
        Waiting.sleep(sizes.warmUp());
        Map<Metric, Double> calm = Window.count(stage, sizes.window(), 1);

        long before = collectedMemory(stage, sizes);
        stage.admitSleepers(sleepers);
        Map<Metric, Double> values = Window.count(stage, sizes.stall(), 1);
        long after = collectedMemory(stage, sizes);
        stage.load().stopAndVerify();

        values.put(Metric.CALM_P50, calm.get(Metric.P50));
        values.put(Metric.CALM_P99, calm.get(Metric.P99));
        values.put(Metric.RSS_GROWTH, Units.megabytes(after - before));
        values.put(Metric.RSS_GROWTH_PER_STALLED, Units.megabytes(after - before) / sleepers);
        values.put(Metric.STALLED_CLOSED, (double) stage.load().wakeAndCountClosed(WAKE));
        return values;
    }

    private static long collectedMemory(Stage stage, Sizes sizes) {
        stage.collectGarbage();
        Waiting.sleep(sizes.settle());
        return stage.server().process().residentBytes();
    }
}
