package dev.sluice.bench.work;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.sluice.bench.contender.Contender;
import java.nio.file.Path;
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
}
