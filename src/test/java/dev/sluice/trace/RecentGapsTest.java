package dev.sluice.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Lagged;
import dev.sluice.feed.ChannelLoss;
import dev.sluice.feed.ForgottenLoss;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Loop;
import dev.sluice.trace.RecentGaps.Period;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RecentGapsTest {

    private static final Instant FROM = Instant.parse("2026-11-24T12:00:00Z");

    private static Instant at(long second) {
        return FROM.plusSeconds(second);
    }

    private static Lagged lagged(long second) {
        return new Lagged(new Loop(0, Runnable::run), null, at(second), at(second + 1));
    }

    @Test
    void gapOfTheFeedIsOneOfEachChannel() {
        RecentGaps gaps = new RecentGaps(false);
        gaps.onGap(new Gap(at(0), at(1)));
        assertThat(gaps.of("upload:1")).as("before the first connection").isEmpty();
        gaps.onGap(new Gap(at(2), null));
        assertThat(gaps.of("upload:1")).containsExactly(new Period(at(2), null, "redis"));
        gaps.onGap(new Gap(at(2), at(3)));
        assertThat(gaps.of("upload:2")).containsExactly(new Period(at(2), at(3), "redis"));
    }

    @Test
    void lossOfAChannelIsItsOwnAndThatOfPodMessagesIsOfNone() {
        RecentGaps gaps = new RecentGaps(true);
        gaps.onGap(new Gap(at(0), null));
        gaps.onLoss(new ChannelLoss("upload:1", at(1), null));
        assertThat(gaps.of("upload:1")).containsExactly(new Period(at(1), null, "redis"));
        assertThat(gaps.of("upload:2")).isEmpty();
        gaps.onLoss(new ChannelLoss("upload:1", at(1), at(2)));
        assertThat(gaps.of("upload:1")).containsExactly(new Period(at(1), at(2), "redis"));
        gaps.onLoss(new ChannelLoss("upload:1", at(5), at(6)));
        assertThat(gaps.of("upload:1")).as("the last").containsExactly(new Period(at(5), at(6), "redis"));
    }

    @Test
    void lossOfAChannelEndsWithItsLastListener() {
        RecentGaps gaps = new RecentGaps(true);
        gaps.onLoss(new ChannelLoss("upload:1", at(1), null));
        gaps.onForgotten(new ForgottenLoss("upload:1", at(3)));
        gaps.onForgotten(new ForgottenLoss("upload:2", at(3)));
        assertThat(gaps.of("upload:1")).containsExactly(new Period(at(1), at(3), "redis"));
        assertThat(gaps.of("upload:2")).isEmpty();
        gaps.onForgotten(new ForgottenLoss("upload:1", at(9)));
        assertThat(gaps.of("upload:1")).containsExactly(new Period(at(1), at(3), "redis"));
    }

    @Test
    void periodsAreInOrder() {
        RecentGaps gaps = new RecentGaps(true);
        gaps.onLoss(new ChannelLoss("upload:1", at(3), at(4)));
        gaps.onLagged(lagged(1));
        gaps.onLagged(lagged(7));
        assertThat(gaps.of("upload:1")).extracting(Period::since).containsExactly(at(1), at(3), at(7));
    }

    @Test
    void keptLossesAreBounded() {
        RecentGaps gaps = new RecentGaps(true);
        for (int i = 0; i < 20_000; i++) {
            gaps.onLoss(new ChannelLoss("upload:" + i, at(i), null));
        }
        assertThat(gaps.of("upload:0")).isEmpty();
        assertThat(gaps.of("upload:19999")).hasSize(1);
    }
}
