package dev.sluice.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.outbox.Disconnect;
import dev.sluice.trace.Outcome.Progress;
import dev.sluice.trace.Outcome.View;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OutcomeTest {

    private static final Instant T = Instant.parse("2026-11-24T12:00:00Z");

    private static Instant at(int seconds) {
        return T.plusSeconds(seconds);
    }

    private static View present(@Nullable Instant subscribed, boolean allowed, boolean latest, Progress progress) {
        return new View(at(0), null, null, subscribed, true, allowed, progress, latest);
    }

    private static View ended(Disconnect reason, boolean latest) {
        return new View(at(0), at(20), reason, at(10), true, true, null, latest);
    }

    @Test
    void whatWasPassedToTheConnectionIsSent() {
        View view = present(at(10), true, false, new Progress(7, 0, 0, 0));
        assertThat(Outcome.of(view, 7, at(11), 0)).isEqualTo(Outcome.SENT);
        assertThat(Outcome.of(view, 8, at(12), 0)).isEqualTo(Outcome.WAITING);
        assertThat(Outcome.of(view, 6, at(9), 0)).isEqualTo(Outcome.SUBSCRIBED_LATER);
        assertThat(Outcome.of(view, 5, at(-1), 0)).isEqualTo(Outcome.NOT_CONNECTED);
    }

    @Test
    void momentOfTheSubscriptionIsUncertain() {
        View view = present(at(10), true, false, new Progress(7, 0, 0, 0));
        assertThat(Outcome.of(view, 7, at(10).minusMillis(1), 0)).isEqualTo(Outcome.UNKNOWN);
        assertThat(Outcome.of(view, 8, at(10).plusMillis(1), 0)).isEqualTo(Outcome.UNKNOWN);
    }

    @Test
    void withoutSubscriptionOrRightNothingIsSent() {
        Progress progress = new Progress(0, 0, 0, 0);
        assertThat(Outcome.of(present(null, true, false, progress), 7, at(11), 0))
                .isEqualTo(Outcome.NOT_SUBSCRIBED);
        assertThat(Outcome.of(present(at(1), false, false, progress), 7, at(11), 0))
                .isEqualTo(Outcome.NOT_ALLOWED);
        assertThat(Outcome.of(new View(at(0), at(20), Disconnect.MAX_AGE, null, false, true, null, false), 7, at(9), 0))
                .as("of a connection with too many subscriptions to keep")
                .isEqualTo(Outcome.UNKNOWN);
    }

    /** Publications 3, 5 and 7 are dropped, and 9 is held back. */
    @Test
    void heldPublicationHasReplacedThoseBeforeIt() {
        View view = present(at(1), true, true, new Progress(9, 9, 3, 9));
        assertThat(Outcome.of(view, 9, at(19), 0)).isEqualTo(Outcome.WAITING);
        assertThat(Outcome.of(view, 7, at(17), 0)).isEqualTo(Outcome.REPLACED);
        assertThat(Outcome.of(view, 3, at(13), 2)).isEqualTo(Outcome.REPLACED);
        assertThat(Outcome.of(view, 2, at(12), 3)).as("earlier holds").isEqualTo(Outcome.MAYBE_REPLACED);
        View caughtUp = present(at(1), true, true, new Progress(12, 0, 0, 9));
        assertThat(Outcome.of(caughtUp, 7, at(17), 0)).isEqualTo(Outcome.MAYBE_REPLACED);
        assertThat(Outcome.of(caughtUp, 10, at(18), 0)).isEqualTo(Outcome.SENT);
    }

    @Test
    void reasonOfTheEndTellsWhetherWaitingDataIsLost() {
        assertThat(Outcome.of(ended(Disconnect.OUTBOX_FULL, false), 7, at(11), 0))
                .isEqualTo(Outcome.MAYBE_LOST);
        assertThat(Outcome.of(ended(Disconnect.MAX_AGE, false), 7, at(11), 0)).isEqualTo(Outcome.SENT);
        assertThat(Outcome.of(ended(Disconnect.MAX_AGE, true), 7, at(11), 0)).isEqualTo(Outcome.MAYBE_REPLACED);
        assertThat(Outcome.of(ended(Disconnect.MAX_AGE, true), 7, at(9), 0)).isEqualTo(Outcome.SUBSCRIBED_LATER);
        assertThat(Outcome.of(ended(Disconnect.MAX_AGE, true), 7, at(21), 0)).isEqualTo(Outcome.NOT_CONNECTED);
    }

    @Test
    void silentEventLoopLeavesItOpen() {
        View view = new View(at(0), null, null, at(1), true, true, null, false);
        assertThat(Outcome.of(view, 7, at(11), 0)).isEqualTo(Outcome.UNKNOWN);
    }
}
