package dev.sluice.bench.work;

import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Storm;
import dev.sluice.bench.load.Traffic.FanOut;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.work.Experiment.Paced;
import dev.sluice.bench.work.Window.Units;
import dev.sluice.bench.work.Work.Sizes;
import dev.sluice.harness.ServerProcess;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How a work is done and measured. */
interface Experiment {

    /** So many that nobody is refused. */
    int NO_LIMIT = 100_000;

    Map<Metric, Double> run(Stage stage, Sizes sizes);

    /** How many may connect to the server in a second. */
    default int connectsPerSecond(Sizes sizes) {
        return NO_LIMIT;
    }

    /** Many connections, and nothing to say to them. */
    static final class Idle implements Experiment {

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

    /** A fan-out far below what a server can, to see how long each delivery takes. */
    static final class Paced implements Experiment {

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

    /** What clients that read nothing cost the others, and the server's memory. */
    static final class Stalled implements Experiment {

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

    /** What clients cost that come at once and are told to come again. */
    static final class Refused implements Experiment {

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
