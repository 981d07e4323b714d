package dev.sluice.clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.harness.Histories;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Execution(ExecutionMode.CONCURRENT)
class ClockTest {

    private static final int HISTORIES = Histories.of(10_000);
    private static final List<ClockSimulation.Damage> DAMAGES = List.of(ClockSimulation.Damage.values());
    private static final Era ERA = new Era(1_000, 7);

    private final Clock clock = new Clock(1);

    @Test
    void provenPositionsOfTwoPodsMeanTheSame() {
        List<String> failed = new ArrayList<>();
        long names = 0;
        for (long seed = 0; seed < HISTORIES; seed++) {
            ClockSimulation simulation = new ClockSimulation(seed, 2 + (int) (seed % 3), 1 + (int) (seed % 2));
            simulation.trouble(12 * ClockSimulation.INTERVAL);
            names += simulation.names();
            if (!simulation.violations().isEmpty() || !simulation.lost().isEmpty()) {
                failed.add("seed " + seed + ": " + simulation.violations() + " lost: " + simulation.lost());
            }
        }
        assertThat(failed).isEmpty();
        assertThat(names).as("names that were compared").isGreaterThan(50L * HISTORIES);
    }

    @Test
    void provenPositionsOfOtherPodsAgreeAlthoughOnePodLosesPublications() {
        List<String> failed = new ArrayList<>();
        long lost = 0;
        for (long seed = 0; seed < HISTORIES; seed++) {
            ClockSimulation simulation = new ClockSimulation(seed, 2 + (int) (seed % 3), 1 + (int) (seed % 2));
            simulation.damage(DAMAGES.get((int) (seed % DAMAGES.size())), 300);
            simulation.trouble(12 * ClockSimulation.INTERVAL);
            lost += simulation.lost().size();
            if (!simulation.violations().isEmpty()) {
                failed.add("seed " + seed + ": " + simulation.violations().get(0));
            }
        }
        assertThat(failed).isEmpty();
        assertThat(lost).as("pods that found it out").isGreaterThan(HISTORIES / 10);
    }

    @ParameterizedTest
    @EnumSource(ClockSimulation.Damage.class)
    void onlyTheDifferingPodOfThreeReportsAGapWithinThreeIntervals(ClockSimulation.Damage damage) {
        List<String> failed = LongStream.range(0, Histories.of(1_000))
                .filter(seed -> {
                    ClockSimulation simulation = ClockSimulation.alike(seed, 3);
                    simulation.calm(10 * ClockSimulation.INTERVAL + seed);
                    simulation.damage(damage, 1);
                    while (!simulation.damaged()) {
                        simulation.calm(10);
                    }
                    long since = simulation.now();
                    simulation.calm(16 * ClockSimulation.INTERVAL);
                    List<String> positions = simulation.positions(0);
                    return !simulation.lost().keySet().equals(Set.of(2))
                            || simulation.lost().getOrDefault(2, Long.MAX_VALUE) - since > 3 * ClockSimulation.INTERVAL
                            || !simulation.violations().isEmpty()
                            || positions.contains("null")
                            || new HashSet<>(positions).size() > 1;
                })
                .mapToObj(seed -> "seed " + seed)
                .toList();
        assertThat(failed).isEmpty();
    }

    @Test
    void podsAgreeAgainAfterTheFaultsEnd() {
        List<String> failed = LongStream.range(0, Histories.of(500))
                .filter(seed -> {
                    ClockSimulation simulation = new ClockSimulation(seed, 4, 2);
                    simulation.trouble(10 * ClockSimulation.INTERVAL);
                    simulation.calm(30 * ClockSimulation.INTERVAL);
                    return List.of(0, 1).stream()
                            .map(simulation::positions)
                            .anyMatch(positions -> positions.contains("null") || new HashSet<>(positions).size() > 1);
                })
                .mapToObj(seed -> "seed " + seed)
                .toList();
        assertThat(failed).isEmpty();
    }

    @Test
    void positionIsUnprovenUntilTheNextTick() {
        assertThat(clock.hear(tick(5, 50, 40))).isEqualTo(Clock.Heard.HELD);
        clock.count(1, 1);
        assertThat(clock.position()).isNull();
        assertThat(clock.next(1)).isNull();
        assertThat(clock.hear(tick(6, 60, 50))).isEqualTo(Clock.Heard.ADOPTED);
        clock.count(1, 1);
        assertThat(clock.position()).isEqualTo(Position.of(ERA, 6, 1, 60));
    }

    @Test
    void founderProvesItsPositionsAtOnce() {
        assertThat(clock.hear(tick(1, 10, 0))).isEqualTo(Clock.Heard.ADOPTED);
        assertThat(clock.position()).isEqualTo(Position.of(ERA, 1, 0, 10));
        assertThat(clock.next(20)).isEqualTo(tick(2, 20, 10));
    }

    @Test
    void copiedTicksAreIgnored() {
        clock.hear(tick(1, 10, 0));
        clock.hear(tick(2, 20, 10));
        assertThat(clock.hear(tick(2, 21, 10))).isEqualTo(Clock.Heard.IGNORED);
        assertThat(clock.hear(tick(2, 20, 10))).isEqualTo(Clock.Heard.IGNORED);
        assertThat(clock.hear(tick(1, 10, 0))).isEqualTo(Clock.Heard.IGNORED);
    }

    @Test
    void podLeavesItsEraForALongerOneThatProvesItself() {
        Era longer = new Era(2_000, 7);
        clock.hear(tick(1, 10, 0));
        assertThat(clock.hear(new Tick(longer, 8, 80, 70, null))).isEqualTo(Clock.Heard.HELD);
        assertThat(clock.hear(new Tick(longer, 9, 90, 80, null))).isEqualTo(Clock.Heard.HELD);
        assertThat(clock.position()).isEqualTo(Position.of(ERA, 1, 0, 10));
        assertThat(clock.hear(new Tick(longer, 10, 100, 90, null))).isEqualTo(Clock.Heard.ADOPTED);
        assertThat(clock.position()).isEqualTo(Position.of(longer, 10, 0, 100));
    }

    @Test
    void outvotedPodStartsAgain() {
        clock.hear(tick(1, 10, 0));
        clock.count(1, 1);
        clock.hear(tick(2, 20, 10));
        assertThat(clock.hear(new Tick(ERA, 3, 30, 20, heard(1)))).isEqualTo(Clock.Heard.NEXT);
        assertThat(clock.takeSummary()).isNull();
        clock.count(2, 1);
        clock.hear(tick(4, 40, 30));
        assertThat(clock.hear(new Tick(ERA, 5, 50, 40, heard(1, 2)))).isEqualTo(Clock.Heard.NEXT);
        assertThat(clock.takeSummary()).isEqualTo(summary(1, 4, 40, 2));
        assertThat(clock.takeSummary()).as("once").isNull();
        clock.hear(summary(2, 4, 40, 1, 2));
        clock.hear(summary(3, 4, 40, 1, 2));
        assertThat(clock.votes()).isTrue();
        assertThat(clock.hear(tick(6, 60, 50))).isEqualTo(Clock.Heard.LOST);
        assertThat(clock.lostAfter()).isEqualTo(3);
        assertThat(clock.position()).isNull();
        assertThat(clock.hear(tick(7, 70, 60))).isEqualTo(Clock.Heard.ADOPTED);
    }

    @Test
    void podOfTheMajorityVotesOnceAndContinues() {
        vouchUpTo5();
        clock.hear(summary(2, 4, 40, 7));
        assertThat(clock.takeSummary()).isEqualTo(summary(1, 4, 40, 2));
        clock.hear(summary(2, 4, 40, 7));
        clock.hear(summary(3, 4, 40, 2));
        assertThat(clock.takeSummary()).isNull();
        assertThat(clock.hear(tick(6, 60, 50))).isEqualTo(Clock.Heard.NEXT);
        clock.hear(summary(4, 4, 40, 7));
        assertThat(clock.votes()).as("it is decided").isFalse();
    }

    @Test
    void tieResetsBothPods() {
        vouchUpTo5();
        clock.hear(summary(2, 4, 40, 7));
        assertThat(clock.hear(tick(6, 60, 50))).isEqualTo(Clock.Heard.LOST);
    }

    @Test
    void ownSummaryCountsOnce() {
        vouchUpTo5();
        clock.hear(summary(2, 4, 40, 7));
        clock.hear(summary(1, 4, 40, 2));
        assertThat(clock.hear(tick(6, 60, 50))).isEqualTo(Clock.Heard.LOST);
    }

    @Test
    void missedTickIsDetected() {
        vouchUpTo5();
        assertThat(clock.hear(tick(7, 70, 60))).isEqualTo(Clock.Heard.LOST);
        assertThat(clock.lostAfter()).isEqualTo(3);
    }

    @Test
    void podWithAnotherTickThanTheMajorityIsOutvoted() {
        vouchUpTo5();
        assertThat(clock.hear(tick(6, 60, 51))).isEqualTo(Clock.Heard.HELD);
        assertThat(clock.takeSummary()).isEqualTo(summary(1, 5, 50));
        clock.hear(summary(2, 5, 51));
        assertThat(clock.hear(tick(7, 70, 60))).isEqualTo(Clock.Heard.LOST);
    }

    @Test
    void incomparableSummariesAreIgnored() {
        vouchUpTo5();
        for (long number : new long[] {1, 6, 7}) {
            clock.hear(summary(2, number, 99, 7));
        }
        clock.hear(new Summary(2, new Era(2, 2), 4, 40, heard(7)));
        assertThat(clock.votes()).isFalse();
        assertThat(clock.takeSummary()).isNull();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void stretchDependsOnOrderAndNumber(int kind) {
        List<List<Integer>> others = List.of(List.of(2, 1, 3), List.of(1, 3), List.of(1, 2, 2, 3));
        assertThat(heard(others.get(kind).stream().mapToInt(i -> i).toArray())).isNotEqualTo(heard(1, 2, 3));
    }

    @Test
    void positionIsMissingWhileTheCounterIsFull() {
        clock.hear(tick(1, 10, 0));
        for (int i = 0; i <= Position.MAX_MESSAGES; i++) {
            clock.count(1, 1);
        }
        assertThat(clock.position()).isNull();
        clock.hear(tick(2, 20, 10));
        assertThat(clock.position()).isEqualTo(Position.of(ERA, 2, 0, 20));
    }

    @Test
    void encodedTextIsParsedToAnEqualValue() {
        Tick tick = new Tick(new Era(0x18f3c, -1), 1L << 28, -1, Long.MIN_VALUE, new Stretch(7, -7));
        assertThat(Tick.parse(tick.toString())).isEqualTo(tick);
        assertThat(Tick.parse(tick(1, 10, 0).toString())).isEqualTo(tick(1, 10, 0));
        Summary summary = new Summary(-1, tick.era(), 1L << 28, -1, new Stretch(7, -7));
        assertThat(Summary.parse(summary.toString())).isEqualTo(summary);
        assertThat(Summary.isOne(summary.toString())).isTrue();
        assertThat(Summary.isOne(tick.toString())).isFalse();
        Position position = Position.of(tick.era(), Position.MAX_TICK, Position.MAX_MESSAGES, tick.nonce());
        assertThat(position.offset()).isLessThan(1L << 53);
        assertThat(Position.parse(position.toString())).isEqualTo(position);
        assertThat(position.toString()).matches("[!-~]{1,96}");
        Position named = Position.of(Era.founded(0x18f3c, Era.Kind.BY_CHANNEL, 0xffff), Position.MAX_TICK, 0, 0)
                .named(new Point(Since.key("upload:7"), Point.MAX_COUNT, 0xffff));
        assertThat(Position.parse(named.toString())).isEqualTo(named);
        assertThat(Position.parse(named.ofPublication())).isEqualTo(named);
        assertThat(named.toString()).matches("[!-~]{1,96}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                "..",
                "a-b",
                "1-1.16777216",
                "1-1.0.1",
                "1-1.-16777216.1",
                "1-1.16777216.x",
                "1-1.+16777216.1",
                "01-1.16777216.1",
                "1-1.9007199254740993000.1",
                "1-1.16777216.1 ",
                "1.16777216.1",
                "1-1.16777216.100000000",
                "1-1.16777216.1.abc.1",
                "1-1.16777217.1.abc",
                "1-10001.16777217.1",
                "1-10001.16777216.1.abc.0",
                "1-10001.16777217.1.ABC",
                "1-10001.16777216.1.abc.1.1"
            })
    void invalidPositionIsRefused(String text) {
        assertThatThrownBy(() -> Position.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1-1",
                "1-1 1 1 1 -",
                "1-1 0 1 1 - -",
                "1-1 1 1 1 - - -",
                "1-1 x 1 1 - -",
                "1 1 1 1 - -",
                "1-1 536870912 1 1 - -",
                "1-1 1 1 1 1 x"
            })
    void invalidTickIsRefused(String text) {
        assertThatThrownBy(() -> Tick.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"heard", "heard 1 1-1 1 1 1", "heard 1 1-1 1 1 1 x", "heard 1 1 1 1 1 1", "heardx 1 1-1 1 1 1 1"
            })
    void invalidSummaryIsRefused(String text) {
        assertThatThrownBy(() -> Summary.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    private static Tick tick(long number, long nonce, long previous) {
        return new Tick(ERA, number, nonce, previous, null);
    }

    private void vouchUpTo5() {
        for (long i = 1; i <= 3; i++) {
            clock.hear(tick(i, 10 * i, 10 * (i - 1)));
        }
        clock.count(2, 1);
        clock.hear(tick(4, 40, 30));
        clock.hear(tick(5, 50, 40));
        assertThat(clock.votes()).isFalse();
    }

    private static Summary summary(long pod, long number, long nonce, int... channels) {
        return new Summary(pod, ERA, number, nonce, heard(channels));
    }

    private static Stretch heard(int... channels) {
        long hash = 0;
        for (int channel : channels) {
            hash = Stretch.hash(hash, channel, 1);
        }
        return new Stretch(channels.length, hash);
    }
}
