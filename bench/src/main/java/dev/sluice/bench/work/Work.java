package dev.sluice.bench.work;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.sluice.bench.contender.Contender;
import dev.sluice.bench.work.Experiment.Idle;
import dev.sluice.bench.work.Experiment.Paced;
import dev.sluice.bench.work.Experiment.Refused;
import dev.sluice.bench.work.Experiment.Stalled;
import dev.sluice.bench.work.Window.Units;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Predicate;

/** What contenders are given to do. */
public enum Work {
    FAN_OUT("fan-out", contender -> true, Saturation.fanOut()),
    DIRECT("direct", contender -> true, Saturation.direct()),
    DISCARD("discard", Contender::isForUnwanted, Saturation.unwanted("user:")),
    RETAINED("retained", Contender::isForRetained, Saturation.unwanted("upload:")),
    IDLE("idle", contender -> true, new Idle()),
    PACED("paced", contender -> true, new Paced()),
    STALLED("stalled", contender -> true, new Stalled()),
    STORM("storm", Contender::limitsConnects, new Reconnects()),
    REFUSED("refused", Contender::limitsConnects, new Refused());

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

    /** Whether the contender can do it, and would show something that no other shows. */
    public boolean suits(Contender contender) {
        return suits.test(contender);
    }

    /** How often it is done: the stalled one takes minutes, and its long window varies little. */
    public int rounds(int wanted) {
        return this == STALLED ? 1 : wanted;
    }

    /** Does it once, on servers started for it, and measures. */
    public Trial run(Contender contender, int round, Sizes sizes, Path logs) {
        try (Stage stage = Stage.set(contender, experiment.connectsPerSecond(sizes), logs)) {
            Map<Metric, Double> values = experiment.run(stage, sizes);
            values.put(Metric.RSS, Units.megabytes(stage.server().process().residentBytes()));
            return new Trial(this, contender.name(), round, values);
        }
    }

    /**
     * How much of everything.
     *
     * @param connections of all works but the idle one
     * @param idleConnections of that
     * @param unwantedChannels that publications nobody wants are spread over
     * @param warmUp how long there is load before anything is counted
     * @param window how long is counted
     * @param settle how long nothing happens before memory is looked at
     * @param stall how long some clients read nothing
     * @param crowd how many come at once in a storm
     * @param connectsPerSecond how many of those may come in in a second
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

        /** For results. */
        public static Sizes full() {
            return new Sizes(
                    1_000,
                    10_000,
                    100_000,
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(5),
                    Duration.ofMinutes(1),
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
     * What came out of one contender's doing one work once.
     *
     * @param round counted from 1
     */
    public record Trial(Work work, String contender, int round, Map<Metric, Double> values) {}
}
