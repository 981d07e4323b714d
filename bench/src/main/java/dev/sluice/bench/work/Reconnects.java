package dev.sluice.bench.work;

import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Storm;
import dev.sluice.bench.load.Workload.FanOut;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.work.Experiment.Paced;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Sizes;
import dev.sluice.harness.ServerProcess;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What many clients that all come at once cost those who are there, and the server. */
final class Reconnects implements Experiment {

    private static final int PAYLOAD_BYTES = 200;
    /** Groups of clients that come and leave before, enough for what they run through to be compiled, and then to count. */
    private static final int GROUPS = 30;

    /** After which as many may come again. */
    private static final Duration BREATH = Duration.ofMillis(100);

    private static final double NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final double NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final double MILLIS_PER_SECOND = TimeUnit.SECONDS.toMillis(1);

    @Override
    public int connectsPerSecond(Sizes sizes) {
        return sizes.connectsPerSecond();
    }

    @Override
    public Map<Metric, Double> run(Stage stage, Sizes sizes) {
        comeAndLeave(stage, sizes);
        double calmConnect = comeAndLeave(stage, sizes);
        stage.admitSubscribers(sizes.connections(), sizes.connectsPerSecond());
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

    /** What a client costs that comes when there is room, in milliseconds. */
    private static double comeAndLeave(Stage stage, Sizes sizes) {
        int group = Math.max(1, sizes.connectsPerSecond() / 20);
        long before = stage.server().process().cpuNanos();
        for (int i = 0; i < GROUPS; i++) {
            try (Storm shower = stage.storm(group, 1)) {
                shower.rage();
                if (shower.course().entered() < group) {
                    throw new IllegalStateException("clients were refused before the storm");
                }
            }
            Waiting.sleep(BREATH);
        }
        return (stage.server().process().cpuNanos() - before) / NANOS_PER_MILLI / (GROUPS * group);
    }

    /** What clients cost that come at once and are told to come again. */
    static final class Refused implements Experiment {

        /** Enough for what a refusal runs through to be compiled. */
        private static final int REHEARSALS = 2;

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
            long nanos = Math.max(
                    ServerProcess.NANOS_PER_TICK, stage.server().process().cpuNanos() - before);

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
}
