package dev.sluice.bench.work;

import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Storm;
import dev.sluice.bench.load.Workload;
import dev.sluice.bench.load.Workload.Direct;
import dev.sluice.bench.load.Workload.FanOut;
import dev.sluice.bench.load.Workload.Unwanted;
import dev.sluice.bench.work.TestBed.Units;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Sizes;
import dev.sluice.harness.ServerProcess;
import dev.sluice.harness.Waiting;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How a workload is run and measured. */
interface Experiment {

    /** A rate that no contender reaches, so that no client is refused. */
    int NO_LIMIT = 100_000;

    double NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    double NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);
    double MILLIS_PER_SECOND = TimeUnit.SECONDS.toMillis(1);

    ChannelName UPLOAD_CHANNEL = ChannelName.of("upload:" + TestBed.UPLOAD);

    /** The rate of a fan-out that is not in a closed loop. */
    int FAN_OUTS_PER_SECOND = 20;

    Map<Metric, Double> run(TestBed bed, Sizes sizes);

    /** The most connections at once. */
    default int connections(Sizes sizes) {
        return sizes.connections() + sizes.crowd();
    }

    /** How many clients may connect to the server in a second. */
    default int connectsPerSecond(Sizes sizes) {
        return NO_LIMIT;
    }

    /** Many connections without publications. */
    static final class Idle implements Experiment {

        private static final int REHEARSAL = 100;

        @Override
        public Map<Metric, Double> run(TestBed bed, Sizes sizes) {
            bed.rehearse(REHEARSAL);
            long before = restingMemory(bed, sizes);
            bed.admitUsers(sizes.idleConnections());
            long after = restingMemory(bed, sizes);

            Map<Metric, Double> values = new EnumMap<>(Metric.class);
            values.put(Metric.KB_PER_CONNECTION, Units.kilobytes(after - before) / sizes.idleConnections());
            return values;
        }

        private static long restingMemory(TestBed bed, Sizes sizes) {
            Waiting.sleep(sizes.settle());
            bed.collectGarbage();
            Waiting.sleep(sizes.settle());
            return bed.server().process().residentBytes();
        }
    }

    /** The effect of clients that read nothing on the latencies of others, and on the memory of the server. */
    static final class Stalled implements Experiment {

        /** Large enough that each stalled client leaves 80 KB/s unread. */
        private static final int PAYLOAD_BYTES = 4096;

        /** One client in this number is stalled. */
        private static final int ONE_IN = 100;

        /** Long enough to read the rest of the send queue of a connection, and then its end. */
        private static final Duration WAKE = Duration.ofSeconds(3);

        @Override
        public Map<Metric, Double> run(TestBed bed, Sizes sizes) {
            int sleepers = sizes.connections() / ONE_IN;
            int readers = sizes.connections() - sleepers;
            bed.admitSubscribers(readers);
            bed.publishAtPace(new FanOut(bed.publication(UPLOAD_CHANNEL, PAYLOAD_BYTES), readers), FAN_OUTS_PER_SECOND);
            Waiting.sleep(sizes.warmUp());
            Map<Metric, Double> calm = bed.count(sizes.window(), 1);

            long before = collectedMemory(bed, sizes);
            bed.admitSleepers(sleepers);
            Map<Metric, Double> values = bed.count(sizes.stall(), 1);
            long after = collectedMemory(bed, sizes);
            bed.load().stopAndVerify();

            values.put(Metric.CALM_P50, calm.get(Metric.P50));
            values.put(Metric.CALM_P99, calm.get(Metric.P99));
            values.put(Metric.RSS_GROWTH, Units.megabytes(after - before));
            values.put(Metric.RSS_GROWTH_PER_STALLED, Units.megabytes(after - before) / sleepers);
            values.put(Metric.STALLED_CLOSED, (double) bed.load().wakeAndCountClosed(WAKE));
            return values;
        }

        private static long collectedMemory(TestBed bed, Sizes sizes) {
            bed.collectGarbage();
            Waiting.sleep(sizes.settle());
            return bed.server().process().residentBytes();
        }
    }

    /** Publications in a closed loop, as many as the server can handle, or at a constant rate, which shows latencies. */
    static final class Load implements Experiment {

        private static final int PAYLOAD_BYTES = 200;
        private static final int UNWANTED_DIGITS = 6;
        private static final int BACKENDS = 32;

        /** Connects clients, and returns what is published to them. */
        private interface Audience {

            Workload enter(TestBed bed, Sizes sizes);

            default int connections(Sizes sizes) {
                return sizes.connections();
            }
        }

        /** A user for each connection, with a channel of its own; the channels take turns. */
        private record ChannelForEach(int connections, int payloadBytes) implements Audience {

            @Override
            public Workload enter(TestBed bed, Sizes sizes) {
                bed.admitUsers(connections(sizes));
                return new Direct(bed.publication(TestBed.USER_CHANNELS, payloadBytes), connections(sizes));
            }

            @Override
            public int connections(Sizes sizes) {
                return sizes.scaled(connections);
            }
        }

        private interface Drive {

            void publish(TestBed bed, Workload workload);
        }

        private final Audience audience;
        private final Drive drive;

        private Load(Audience audience, Drive drive) {
            this.audience = audience;
            this.drive = drive;
        }

        static Load fanOut() {
            // Refilled earlier, a contender would write fewer publications at once the longer its clients take to read,
            // so
            // that the figure would be the clients'.
            return new Load(Load::oneChannel, inClosedLoop(32, 32));
        }

        static Load pacedFanOut() {
            return new Load(Load::oneChannel, atPace(FAN_OUTS_PER_SECOND));
        }

        static Load direct() {
            return new Load(new ChannelForEach(1_000, PAYLOAD_BYTES), inClosedLoop(512, 64));
        }

        /** @param connections in turn, each of them with a channel of its own */
        static Load pacedDirect(int connections, int payloadBytes, int perSecond) {
            return new Load(new ChannelForEach(connections, payloadBytes), atPace(perSecond));
        }

        /** @param prefix of the channels without listeners */
        static Load unwanted(String prefix, int payloadBytes) {
            return new Load(noListeners(prefix, payloadBytes, 501, 1), inClosedLoop(4, 1));
        }

        /** As in a closed loop, one publication in 500 has a listener. Backends publish on connections of their own. */
        static Load pacedUnwanted(String prefix, int payloadBytes, int perSecond) {
            return new Load(
                    noListeners(prefix, payloadBytes, 1, 500),
                    (bed, workload) -> bed.publishAtPace(workload, perSecond, BACKENDS));
        }

        private static Workload oneChannel(TestBed bed, Sizes sizes) {
            bed.admitSubscribers(sizes.connections());
            return new FanOut(bed.publication(UPLOAD_CHANNEL, PAYLOAD_BYTES), sizes.connections());
        }

        private static Audience noListeners(
                String prefix, int payloadBytes, int publicationsPerUnit, int unitsPerMarker) {
            return (bed, sizes) -> {
                bed.admitUsers(1);
                return new Unwanted(
                        bed.publication(new ChannelName(prefix + "nobody", UNWANTED_DIGITS), payloadBytes),
                        sizes.unwantedChannels(),
                        bed.publication(TestBed.USER_CHANNELS, PAYLOAD_BYTES),
                        publicationsPerUnit,
                        unitsPerMarker);
            };
        }

        private static Drive inClosedLoop(int window, int refill) {
            return (bed, workload) -> bed.publishInClosedLoop(workload, window, refill);
        }

        private static Drive atPace(int unitsPerSecond) {
            return (bed, workload) -> bed.publishAtPace(workload, unitsPerSecond);
        }

        @Override
        public int connections(Sizes sizes) {
            return audience.connections(sizes);
        }

        @Override
        public Map<Metric, Double> run(TestBed bed, Sizes sizes) {
            Workload workload = audience.enter(bed, sizes);
            drive.publish(bed, workload);
            Waiting.sleep(sizes.warmUp());
            Map<Metric, Double> values = bed.count(sizes.window(), workload.countedPerDelivery());
            bed.load().stopAndVerify();
            return values;
        }
    }

    /** The effect of many clients that connect at once on the others and on the server. */
    static final class Reconnects implements Experiment {

        private static final int PAYLOAD_BYTES = 200;
        /** The number of groups of clients that connect and leave first: enough for the JVM to compile the code, and then to count. */
        private static final int GROUPS = 30;

        /** The time after which the limit allows the next group. */
        private static final Duration BREATH = Duration.ofMillis(100);

        @Override
        public int connectsPerSecond(Sizes sizes) {
            return sizes.connectsPerSecond();
        }

        @Override
        public Map<Metric, Double> run(TestBed bed, Sizes sizes) {
            comeAndLeave(bed, sizes);
            double calmConnect = comeAndLeave(bed, sizes);
            bed.admitSubscribers(sizes.connections(), sizes.connectsPerSecond());
            bed.publishAtPace(
                    new FanOut(bed.publication(UPLOAD_CHANNEL, PAYLOAD_BYTES), sizes.connections()),
                    FAN_OUTS_PER_SECOND);
            Waiting.sleep(sizes.warmUp());
            Map<Metric, Double> calm = bed.count(sizes.window(), 1);
            long before = bed.server().process().residentBytes();

            try (Storm storm = bed.returningStorm(sizes.crowd())) {
                Map<Metric, Double> values = bed.count(storm::run, 1);
                long after = bed.server().process().residentBytes();
                bed.load().stopAndVerify();
                Waiting.sleep(sizes.restAfterStorm());
                long rested = bed.server().process().residentBytes();
                Storm.Course course = storm.course();
                double seconds = course.length().toNanos() / NANOS_PER_SECOND;
                double busy = (values.get(Metric.SERVER_CPU) - calm.get(Metric.SERVER_CPU)) * seconds;

                values.put(Metric.CALM_P50, calm.get(Metric.P50));
                values.put(Metric.CALM_P99, calm.get(Metric.P99));
                values.put(Metric.STORM_LENGTH, seconds);
                if (bed.clientsCanResume()) {
                    values.put(Metric.RESUMED, (double) course.entered());
                }
                values.put(
                        Metric.PEAK_RSS, Units.megabytes(bed.server().process().peakResidentBytes()));
                values.put(Metric.KB_AFTER_STORM, Units.kilobytes(after - before) / course.entered());
                values.put(Metric.KB_RESTED, Units.kilobytes(rested - before) / course.entered());
                values.put(Metric.CONNECTS_PER_SECOND, course.entered() / seconds);
                values.put(Metric.CONNECTS_IN_BUSIEST_SECOND, (double) course.busiestSecond());
                values.put(Metric.REFUSALS, (double) course.refusals());
                values.put(Metric.FAILED_CONNECTS, (double) course.failures());
                values.put(Metric.CPU_PER_CALM_CONNECT, calmConnect);
                values.put(Metric.CPU_PER_CONNECT, busy * MILLIS_PER_SECOND / course.entered());
                return values;
            }
        }

        /** The CPU time of a connect below the limit, in milliseconds. */
        private static double comeAndLeave(TestBed bed, Sizes sizes) {
            int group = Math.max(1, sizes.connectsPerSecond() / 20);
            long before = bed.server().process().cpuNanos();
            for (int i = 0; i < GROUPS; i++) {
                try (Storm shower = bed.storm(group, 1)) {
                    shower.run();
                    if (shower.course().entered() < group) {
                        throw new IllegalStateException("clients were refused before the storm");
                    }
                }
                Waiting.sleep(BREATH);
            }
            return (bed.server().process().cpuNanos() - before) / NANOS_PER_MILLI / (GROUPS * group);
        }
    }

    /** The cost of clients that are refused. */
    static final class Refused implements Experiment {

        /** Enough for the JVM to compile the code of a refusal. */
        private static final int REHEARSALS = 2;

        /** The lowest limit. */
        @Override
        public int connectsPerSecond(Sizes sizes) {
            return 1;
        }

        @Override
        public Map<Metric, Double> run(TestBed bed, Sizes sizes) {
            for (int i = 0; i < REHEARSALS; i++) {
                knock(bed, sizes.crowd());
            }
            long before = bed.server().process().cpuNanos();
            int refusals = knock(bed, sizes.crowd());
            long nanos = Math.max(
                    ServerProcess.NANOS_PER_TICK, bed.server().process().cpuNanos() - before);

            Map<Metric, Double> values = new EnumMap<>(Metric.class);
            values.put(Metric.REFUSALS, (double) refusals);
            values.put(Metric.CPU_PER_REFUSAL, nanos / NANOS_PER_MILLI / refusals);
            return values;
        }

        private static int knock(TestBed bed, int clients) {
            try (Storm storm = bed.storm(clients, 1)) {
                storm.run();
                return storm.course().refusals();
            }
        }
    }
}
