package dev.sluice.bench.work;

import dev.sluice.bench.load.ChannelName;
import dev.sluice.bench.load.FanOut;
import dev.sluice.bench.load.Storm;
import dev.sluice.bench.process.BenchFailure;
import dev.sluice.bench.process.Waiting;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What many clients that all come at once cost those who are there, and the server. */
final class Reconnects implements Experiment {

    private static final int PAYLOAD_BYTES = 200;
    private static final int REHEARSALS = 4;

    /** After which all that are allowed in a second may come at once again. */
    private static final Duration BREATH = Duration.ofMillis(1_200);

    private static final double NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final double NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final double MILLIS_PER_SECOND = TimeUnit.SECONDS.toMillis(1);

    @Override
    public int connectsPerSecond(Sizes sizes) {
        return sizes.connectsPerSecond();
    }

    @Override
    public Map<Metric, Double> run(Stage stage, Sizes sizes) {
        double calmConnect = 0;
        for (int i = 0; i < REHEARSALS; i++) {
            calmConnect = connectMillis(stage, sizes.connections());
            Waiting.sleep(BREATH);
        }
        stage.admitSubscribers(sizes.connections());
        ChannelName channel = ChannelName.of("upload:" + Stage.UPLOAD);
        stage.publishAtPace(
                new FanOut(stage.publication(channel, PAYLOAD_BYTES), sizes.connections()), Paced.PER_SECOND);
        Waiting.sleep(sizes.warmUp());
        Map<Metric, Double> calm = Window.count(stage, sizes.window(), 1);

        try (Storm storm = stage.storm(sizes.crowd(), Integer.MAX_VALUE)) {
            Map<Metric, Double> values = Window.count(stage, storm::rage, 1);
            stage.load().stopAndVerify();
            Storm.Course course = storm.course();
            double seconds = course.length().toNanos() / NANOS_PER_SECOND;
            double busy = (values.get(Metric.SERVER_CPU) - calm.get(Metric.SERVER_CPU)) * seconds;

            values.put(Metric.CALM_P50, calm.get(Metric.P50));
            values.put(Metric.CALM_P99, calm.get(Metric.P99));
            values.put(Metric.STORM_LENGTH, seconds);
            values.put(Metric.CONNECTS_PER_SECOND, course.entered() / seconds);
            values.put(Metric.CONNECTS_IN_BUSIEST_SECOND, (double) course.busiestSecond());
            values.put(Metric.REFUSALS, (double) course.refusals());
            values.put(Metric.FAILED_CONNECTS, (double) course.failures());
            values.put(Metric.CPU_PER_CALM_CONNECT, calmConnect);
            values.put(Metric.CPU_PER_CONNECT, busy * MILLIS_PER_SECOND / course.entered());
            return values;
        }
    }

    /** What each of some clients costs that come at once and are all let in, in milliseconds. */
    private static double connectMillis(Stage stage, int clients) {
        try (Storm shower = stage.storm(clients, 1)) {
            long before = stage.server().cpuNanos();
            shower.rage();
            long nanos = stage.server().cpuNanos() - before;
            if (shower.course().entered() < clients) {
                throw new BenchFailure("only %d of %d clients were let in"
                        .formatted(shower.course().entered(), clients));
            }
            return nanos / NANOS_PER_MILLI / clients;
        }
    }
}
