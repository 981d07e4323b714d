package dev.sluice.bench.work;

import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Traffic;
import dev.sluice.bench.load.Traffic.Direct;
import dev.sluice.bench.load.Traffic.FanOut;
import dev.sluice.bench.load.Traffic.Unwanted;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.work.Work.Sizes;
import java.util.Map;

/** As much as the server can, in a closed loop. */
final class Saturation implements Experiment {

    private static final int PAYLOAD_BYTES = 200;
    private static final int UNWANTED_DIGITS = 6;

    /** Lets clients enter and says what is to be published to them. */
    private interface Audience {

        Traffic enter(Stage stage, Sizes sizes);
    }

    private final Audience audience;
    private final int window;

    private Saturation(Audience audience, int window) {
        this.audience = audience;
        this.window = window;
    }

    static Saturation fanOut() {
        return new Saturation(
                (stage, sizes) -> {
                    stage.admitSubscribers(sizes.connections());
                    ChannelName channel = ChannelName.of("upload:" + Stage.UPLOAD);
                    return new FanOut(stage.publication(channel, PAYLOAD_BYTES), sizes.connections());
                },
                32);
    }

    static Saturation direct() {
        return new Saturation(
                (stage, sizes) -> {
                    stage.admitUsers(sizes.connections());
                    return new Direct(stage.publication(Stage.USER_CHANNELS, PAYLOAD_BYTES), sizes.connections());
                },
                512);
    }

    /** @param prefix of the channels that nobody hears */
    static Saturation unwanted(String prefix) {
        return new Saturation(
                (stage, sizes) -> {
                    stage.admitUsers(1);
                    ChannelName nobodys = new ChannelName(prefix + "nobody", UNWANTED_DIGITS);
                    return new Unwanted(
                            stage.publication(nobodys, PAYLOAD_BYTES),
                            sizes.unwantedChannels(),
                            stage.publication(Stage.USER_CHANNELS, PAYLOAD_BYTES));
                },
                4);
    }

    @Override
    public Map<Metric, Double> run(Stage stage, Sizes sizes) {
        Traffic traffic = audience.enter(stage, sizes);
        stage.publishInClosedLoop(traffic, window);
        Waiting.sleep(sizes.warmUp());
        Map<Metric, Double> values = Window.count(stage, sizes.window(), traffic.countedPerDelivery());
        stage.load().stopAndVerify();
        return values;
    }
}
