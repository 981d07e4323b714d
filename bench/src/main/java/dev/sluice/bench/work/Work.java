package dev.sluice.bench.work;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.sluice.bench.contender.Contender;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.work.Experiment.Idle;
import dev.sluice.bench.work.Experiment.Load;
import dev.sluice.bench.work.Experiment.Reconnects;
import dev.sluice.bench.work.Experiment.Refused;
import dev.sluice.bench.work.Experiment.Stalled;
import dev.sluice.bench.work.TestBed.Units;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Predicate;

/** The workloads. */
public enum Work {
    FAN_OUT("fan-out", contender -> true, Load.fanOut()),
    DIRECT("direct", contender -> true, Load.direct()),
    DISCARD("discard", Contender::isForUnwanted, Load.unwanted("user:", 200)),
    DISCARD_LARGE("discard-large", Contender::isForUnwanted, Load.unwanted("user:", 2_000)),
    UNWANTED("unwanted", Contender::isForUnwanted, Load.pacedUnwanted("user:", 2_000, 60_000)),
    RETAINED("retained", Contender::isForRetained, Load.unwanted("upload:", 200)),
    IDLE("idle", contender -> true, new Idle()),
    PACED("paced", contender -> true, Load.pacedFanOut()),
    PACED_DIRECT("paced-direct", contender -> true, Load.pacedDirect(10_000, 200, 5_000)),
    CONNECTIONS_1("connections-1", Work::queuesEverything, Load.pacedDirect(1, 200, 20_000)),
    CONNECTIONS_10("connections-10", Work::queuesEverything, Load.pacedDirect(10, 200, 20_000)),
    CONNECTIONS_100("connections-100", Work::queuesEverything, Load.pacedDirect(100, 200, 20_000)),
    CONNECTIONS_1000("connections-1000", Work::queuesEverything, Load.pacedDirect(1_000, 200, 20_000)),
    CONNECTIONS_10000("connections-10000", Work::queuesEverything, Load.pacedDirect(10_000, 200, 20_000)),
    CONNECTIONS_19000("connections-19000", Work::queuesEverything, Load.pacedDirect(19_000, 200, 20_000)),
    CONNECTIONS_40000("connections-40000", Work::queuesEverything, Load.pacedDirect(40_000, 200, 20_000)),
    PAYLOAD_20("payload-20", contender -> true, Load.pacedDirect(1_000, 20, 1_000)),
    PAYLOAD_2000("payload-2000", contender -> true, Load.pacedDirect(1_000, 2_000, 1_000)),
    PAYLOAD_64000("payload-64000", contender -> true, Load.pacedDirect(1_000, 64_000, 1_000)),
    STALLED("stalled", contender -> true, new Stalled()),
    STORM("storm", Contender::isForStorms, new Reconnects()),
    REFUSED("refused", Contender::limitsConnects, new Refused());

    /** Libraries, connections to Redis, and room. */
    private static final int OTHER_FILES = 500;

    private final String id;
    private final Predicate<Contender> suits;
    private final Experiment experiment;

    Work(String id, Predicate<Contender> suits, Experiment experiment) {
        this.id = id;
        this.suits = suits;
        this.experiment = experiment;
    }

    /** Its name on the command line and in the results. */
    @JsonValue
    public String id() {
        return id;
    }

    @Override
    public String toString() {
        return id;
    }

    /** Whether the workload is run with the contender: it must be able to, and differ from the others in it. */
    public boolean suits(Contender contender) {
        return suits.test(contender);
    }

    /** Not a stream: of a channel with thousands of entries a second, it would trim those that are not read yet. */
    private static boolean queuesEverything(Contender contender) {
        return contender.protocol() != PublishProtocol.REDIS_STREAM;
    }

    /** How many files the server, or the clients, must be able to have open at once. */
    public int openFiles(Sizes sizes) {
        return experiment.connections(sizes) + OTHER_FILES;
    }

    /** Runs it once, with new servers. */
    public Trial run(Contender contender, int round, Sizes sizes, Path logs) {
        try (TestBed bed = TestBed.start(contender, experiment.connectsPerSecond(sizes), logs)) {
            Map<Metric, Double> values = experiment.run(bed, sizes);
            values.put(Metric.RSS, Units.megabytes(bed.server().process().residentBytes()));
            return new Trial(contender.id(), round, values);
        }
    }

    /**
     * The sizes of the workloads.
     *
     * @param connections of all workloads except {@code idle}
     * @param idleConnections of {@code idle}; other workloads of many connections have the same share of their full number
     * @param unwantedChannels the number of channels without listeners
     * @param warmUp the time under load before the count
     * @param window the time of the count
     * @param settle the time without load before memory is read
     * @param stall the time in which some clients read nothing
     * @param crowd the number of clients that connect at once in a storm
     * @param connectsPerSecond the limit of connects a second in a storm
     */
    public record Sizes(
            int connections,
            int idleConnections,
            int unwantedChannels,
            Duration warmUp,
            Duration window,
            Duration settle,
            Duration stall,
            int crowd,
            int connectsPerSecond) {

        private static final int FULL_IDLE_CONNECTIONS = 10_000;

        /** The connections of a workload that has so many in a full run. */
        int scaled(int connections) {
            return Math.max(1, (int) ((long) connections * idleConnections / FULL_IDLE_CONNECTIONS));
        }

        /** The time after a storm until memory is read again. */
        Duration restAfterStorm() {
            return stall.multipliedBy(2);
        }

        /** For results. */
        public static Sizes full(Duration warmUp, Duration window) {
            return new Sizes(
                    1_000,
                    FULL_IDLE_CONNECTIONS,
                    100_000,
                    warmUp,
                    window,
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(30),
                    10_000,
                    2_000);
        }

        /** To see that everything works; the figures mean nothing. */
        public static Sizes quick() {
            return new Sizes(
                    100,
                    500,
                    1_000,
                    Duration.ofMillis(500),
                    Duration.ofMillis(500),
                    Duration.ofMillis(300),
                    Duration.ofSeconds(2),
                    500,
                    100);
        }
    }

    /**
     * The figures of one contender under one workload in one round.
     *
     * @param round counted from 1
     */
    public record Trial(String contender, int round, Map<Metric, Double> values) {}

    /** What is measured. */
    public enum Metric {
        /** Deliveries, or publications without a listener, per second of the server's CPU time. */
        PER_CPU_SECOND,
        /** The same per second of wall-clock time. */
        PER_SECOND,
        /** The server's share of its core, 1 at most. */
        SERVER_CPU,
        /** The load generator's CPU time per second, in seconds. */
        GENERATOR_CPU,
        /** Redis's CPU time per second, in seconds. */
        REDIS_CPU,
        /** The CPU time of other processes of the machine per second, in seconds. If it is high, the trial was disturbed. */
        OTHER_CPU,
        /** From publishing to receipt, in milliseconds. */
        P50,
        P99,
        P99_9,
        MAX,
        /** Resident memory of the server at the end, in MB of 2^20 bytes. */
        RSS,
        /** The resident memory that an idle connection adds, in KB of 2^10 bytes. */
        KB_PER_CONNECTION,
        /** Latencies before some clients stop reading, or many connect at once, in milliseconds. */
        CALM_P50,
        CALM_P99,
        /** The growth of the resident memory while some clients do not read, in MB. */
        RSS_GROWTH,
        /** The same growth per client that does not read. */
        RSS_GROWTH_PER_STALLED,
        /** The number of these clients that the server disconnected. */
        STALLED_CLOSED,
        /** The time until all clients of a storm are connected, in seconds. */
        STORM_LENGTH,
        /** The number of clients of a storm that got what they had missed. */
        RESUMED,
        /** The most resident memory of the server until the storm is over, in MB. */
        PEAK_RSS,
        /** The resident memory that each client of a storm has added when all are connected, and a minute later, in KB. */
        KB_AFTER_STORM,
        KB_RESTED,
        /** Clients of a storm that connect per second, on average and in the busiest second. */
        CONNECTS_PER_SECOND,
        CONNECTS_IN_BUSIEST_SECOND,
        /** The number of refused attempts, and of attempts that failed otherwise. */
        REFUSALS,
        FAILED_CONNECTS,
        /** The server's CPU time per client that connects, in milliseconds: without refusals, and in a storm. */
        CPU_PER_CALM_CONNECT,
        CPU_PER_CONNECT,
        /** The same per refused client. */
        CPU_PER_REFUSAL
    }
}
