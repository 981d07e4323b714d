package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Histories;
import dev.sluice.protocol.Dialect;
import dev.sluice.session.ResumeSimulation.Hearing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@Execution(ExecutionMode.CONCURRENT)
class ResumeTest {

    private static final int HISTORIES = Histories.of(500);
    private static final int SDK_HISTORIES = Histories.of(2_000);

    @Test
    void clientsThatMoveBetweenPodsReceiveEachPublicationOnceInOrder() {
        List<String> failed = new ArrayList<>();
        Map<String, Integer> outcomes = new HashMap<>();
        for (long seed = 0; seed < HISTORIES; seed++) {
            ResumeSimulation simulation = new ResumeSimulation(seed, Dialect.V2);
            simulation.run(6_000, 4_000);
            simulation.outcomes().forEach((outcome, count) -> outcomes.merge(outcome, count, Integer::sum));
            if (!simulation.violations().isEmpty()) {
                failed.add("seed " + seed + ": " + simulation.violations().get(0));
            }
        }
        assertThat(failed).isEmpty();
        assertThat(outcomes.get("recovered true")).as("resumes that recovered").isGreaterThan(10 * HISTORIES);
        assertThat(outcomes)
                .containsKeys("recovered false", "lags", "closes", "restarts", "dropped doubles", "broken chains");
    }

    @Test
    void clientsOnCentrifugosSdksReceiveEachPublicationOnceInOrder() {
        List<String> failed = new ArrayList<>();
        Map<String, Integer> outcomes = new HashMap<>();
        for (long seed = 0; seed < SDK_HISTORIES; seed++) {
            ResumeSimulation simulation = new ResumeSimulation(seed, Dialect.CENTRIFUGE);
            simulation.run(1_000, 1_000);
            simulation.outcomes().forEach((outcome, count) -> outcomes.merge(outcome, count, Integer::sum));
            if (!simulation.violations().isEmpty()) {
                failed.add("seed " + seed + ": " + simulation.violations().get(0));
            }
        }
        assertThat(failed).isEmpty();
        assertThat(outcomes.get("recovered true")).as("recovered").isGreaterThan(SDK_HISTORIES);
        assertThat(outcomes)
                .containsKeys("recovered false", "lags", "restarts", "restarts of channels", "broken chains");
    }

    @Test
    void podsThatSubscribeByNameLoseAndRepeatNothing() {
        byName(Dialect.V2, Hearing.BY_NAME, HISTORIES, 6_000, 4_000);
    }

    @Test
    void podsThatSubscribeByNameLoseAndRepeatNothingForCentrifugosSdks() {
        byName(Dialect.CENTRIFUGE, Hearing.BY_NAME, HISTORIES, 3_000, 2_000);
    }

    @Test
    void podsThatSubscribeOnShardsLoseAndRepeatNothing() {
        Map<String, Integer> outcomes = byName(Dialect.CENTRIFUGE, Hearing.BY_SHARD, HISTORIES, 3_000, 2_000);
        assertThat(outcomes).containsKeys("moved slots", "failovers", "lost ticks", "eras left");
    }

    private static Map<String, Integer> byName(
            Dialect dialect, Hearing hearing, int histories, int steps, int calmSteps) {
        List<String> failed = new ArrayList<>();
        Map<String, Integer> outcomes = new HashMap<>();
        for (long seed = 0; seed < histories; seed++) {
            ResumeSimulation simulation = new ResumeSimulation(seed, dialect, hearing);
            simulation.run(steps, calmSteps);
            simulation.outcomes().forEach((outcome, count) -> outcomes.merge(outcome, count, Integer::sum));
            if (!simulation.violations().isEmpty()) {
                failed.add("seed " + seed + ": " + simulation.violations().get(0));
            }
        }
        int recovered = outcomes.getOrDefault("recovered true", 0);
        int refused = outcomes.getOrDefault("recovered false", 0);
        System.out.printf(
                "%s, %s: %d resumes, %.1f %% recovered; %s%n",
                hearing, dialect.tag(), recovered + refused, 100.0 * recovered / (recovered + refused), outcomes);
        assertThat(failed).isEmpty();
        assertThat(recovered).as("recovered").isGreaterThan(5 * histories);
        assertThat(outcomes).containsKeys("restarts", "interruptions");
        return outcomes;
    }
}
