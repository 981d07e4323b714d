package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.ClusterTopology.Range;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@Execution(ExecutionMode.CONCURRENT)
class SettledSlotsTest {

    private static final Duration PERIOD = Duration.ofSeconds(30);
    private static final Duration BEAT = Duration.ofSeconds(1);
    private static final ClockChannel CLOCK = new ClockChannel("sluice:clock:0123456789abcdef");

    private final SimulatedTime time = new SimulatedTime();

    private static Master serving(int last) {
        return new Master("m0", "127.0.0.1", 7000, List.of(new Range(0, last)));
    }

    @Test
    void slotsThatNeverMovedAreNotFollowed() {
        SettledSlots slots = new SettledSlots(serving(100), PERIOD, time);
        for (int i = 0; i < 100; i++) {
            time.pass(BEAT);
            assertThat(slots.haveSettled(serving(100))).isFalse();
        }
    }

    @Test
    void slotsAreFollowedOnceWhenTheyHaveBeenTheSameForThePeriod() {
        SettledSlots slots = new SettledSlots(serving(100), PERIOD, time);
        time.pass(PERIOD);
        assertThat(slots.haveSettled(serving(101))).isFalse();
        time.pass(PERIOD.minusNanos(1));
        assertThat(slots.haveSettled(serving(101))).isFalse();
        time.pass(Duration.ofNanos(1));
        assertThat(slots.haveSettled(serving(101))).isTrue();
        time.pass(PERIOD);
        assertThat(slots.haveSettled(serving(101))).isFalse();
        assertThat(slots.haveSettled(serving(102))).isFalse();
        time.pass(PERIOD);
        assertThat(slots.haveSettled(serving(102))).isTrue();
    }

    @Test
    void slotThatTurnsOutToHaveMovedBeginsThePeriodAgain() {
        SettledSlots slots = new SettledSlots(serving(100), PERIOD, time);
        slots.haveSettled(serving(101));
        time.pass(PERIOD);
        assertThat(slots.haveSettled(serving(101))).isTrue();
        slots.moved();
        time.pass(PERIOD.minusNanos(1));
        assertThat(slots.haveSettled(serving(101))).isFalse();
        time.pass(Duration.ofNanos(1));
        assertThat(slots.haveSettled(serving(101))).isTrue();
    }

    /** redis-cli moves slots in ascending order, so that the receiving master gets higher ones again and again. */
    @Test
    void clockChangesOnceWhileAMasterReceivesThousandsOfSlots() {
        assertThat(changes(Duration.ZERO)).as("without a period").isGreaterThan(10);
        assertThat(changes(PERIOD)).isEqualTo(1);
    }

    /** Returns how often the channel of ticks changes while 5,000 slots come, ten in a second, and in the time after. */
    private int changes(Duration period) {
        SettledSlots slots = new SettledSlots(serving(1_000), period, time);
        String[] channel = {ShardSubscription.clockChannel(CLOCK, serving(1_000))};
        int[] changes = {0};
        Consumer<Master> beat = now -> {
            if (slots.haveSettled(now)) {
                String name = ShardSubscription.clockChannel(CLOCK, now);
                if (!name.equals(channel[0])) {
                    channel[0] = name;
                    changes[0]++;
                }
            }
        };
        IntStream.rangeClosed(0, 500).forEach(second -> {
            time.pass(BEAT);
            beat.accept(serving(1_000 + 10 * second));
        });
        IntStream.range(0, 100).forEach(second -> {
            time.pass(BEAT);
            beat.accept(serving(6_000));
        });
        assertThat(channel[0]).isEqualTo(ShardSubscription.clockChannel(CLOCK, serving(6_000)));
        return changes[0];
    }
}
