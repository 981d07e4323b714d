package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChannelLossesTest {

    private final SimulatedTime time = new SimulatedTime();
    private final List<ChannelLoss> told = new ArrayList<>();
    private final List<ForgottenLoss> forgotten = new ArrayList<>();
    private final List<Interruption> interruptions = new ArrayList<>();
    private final ChannelLosses losses = new ChannelLosses(told::add, forgotten::add, interruptions::add, time);

    private static Instant at(long second) {
        return Instant.EPOCH.plusSeconds(second);
    }

    @Test
    void interruptionLastsUntilNoChannelIsLost() {
        time.pass(Duration.ofSeconds(10));
        losses.begin("a", at(8));
        losses.begin("b", at(7));
        losses.end("a", at(10));
        assertThat(interruptions).containsExactly(new Interruption(at(8), null));
        time.pass(Duration.ofSeconds(10));
        losses.end("b", at(19));
        assertThat(interruptions).containsExactly(new Interruption(at(8), null), new Interruption(at(8), at(20)));
        assertThat(told).hasSize(4);
        losses.begin("a", at(20));
        assertThat(interruptions).hasSize(3);
    }

    @Test
    void lossOfAChannelThatNobodyListensToEndsUntold() {
        time.pass(Duration.ofSeconds(10));
        losses.begin("a", at(8));
        losses.forget("a");
        assertThat(told).hasSize(1);
        assertThat(losses.since("a")).isNull();
        assertThat(interruptions).containsExactly(new Interruption(at(8), null), new Interruption(at(8), at(10)));
        losses.end("a", at(10));
        losses.forget("b");
        assertThat(interruptions).hasSize(2);
        assertThat(forgotten).containsExactly(new ForgottenLoss("a", at(10)));
    }

    @Test
    void clockThatIsSetBackMakesNoNegativePeriod() {
        losses.begin("a", at(8));
        losses.end("a", at(1));
        assertThat(told.get(1)).isEqualTo(new ChannelLoss("a", at(8), at(8)));
        assertThat(interruptions.get(1)).isEqualTo(new Interruption(at(8), at(8)));
    }
}
