package dev.sluice.bench.work;

import dev.sluice.bench.load.ChannelName;
import dev.sluice.bench.load.FanOut;
import dev.sluice.bench.process.Waiting;
import java.util.Map;

/** A fan-out far below what a server can, to see how long each delivery takes. */
final class Paced implements Experiment {

    static final int PER_SECOND = 20;

    private static final int PAYLOAD_BYTES = 200;

    @Override
    public Map<Metric, Double> run(Stage stage, Sizes sizes) {
        stage.admitSubscribers(sizes.connections());
        ChannelName channel = ChannelName.of("upload:" + Stage.UPLOAD);
        stage.publishAtPace(new FanOut(stage.publication(channel, PAYLOAD_BYTES), sizes.connections()), PER_SECOND);
        Waiting.sleep(sizes.warmUp());
        Map<Metric, Double> values = Window.count(stage, sizes.window(), 1);
        stage.load().stopAndVerify();
        return values;
    }
}
