package dev.sluice.bench.work;

import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Workload;
import dev.sluice.bench.load.Workload.Direct;
import dev.sluice.bench.load.Workload.FanOut;
import dev.sluice.bench.load.Workload.Unwanted;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.work.Experiment.Paced;
import dev.sluice.bench.work.Window.Units;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Sizes;
import java.time.Duration;
import java.util.EnumMap;
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

    /** As much as the server can, in a closed loop. */
    static final class Saturation implements Experiment {

        private static final int PAYLOAD_BYTES = 200;
        private static final int UNWANTED_DIGITS = 6;

        /** Lets clients enter and says what is to be published to them. */
        private interface Audience {

            Workload enter(Stage stage, Sizes sizes);
        }

        private final Audience audience;
        private final int window;
        private final int refill;

        private Saturation(Audience audience, int window, int refill) {
            this.audience = audience;
            this.window = window;
            this.refill = refill;
        }

        static Saturation fanOut() {
            return new Saturation(
                    (stage, sizes) -> {
                        stage.admitSubscribers(sizes.connections());
                        ChannelName channel = ChannelName.of("upload:" + Stage.UPLOAD);
                        return new FanOut(stage.publication(channel, PAYLOAD_BYTES), sizes.connections());
                    },
                    // Refilled earlier, a contender would write fewer publications at once the longer its clients take
                    // to read, so that the figure would be the clients'.
                    32,
                    32);
        }

        static Saturation direct() {
            return new Saturation(
                    (stage, sizes) -> {
                        stage.admitUsers(sizes.connections());
                        return new Direct(stage.publication(Stage.USER_CHANNELS, PAYLOAD_BYTES), sizes.connections());
                    },
                    512,
                    64);
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
                    4,
                    1);
        }

        @Override
        public Map<Metric, Double> run(Stage stage, Sizes sizes) {
            Workload workload = audience.enter(stage, sizes);
            stage.publishInClosedLoop(workload, window, refill);
            Waiting.sleep(sizes.warmUp());
            Map<Metric, Double> values = Window.count(stage, sizes.window(), workload.countedPerDelivery());
            stage.load().stopAndVerify();
            return values;
        }
    }
}
