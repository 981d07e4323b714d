package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SupervisorTest {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    private final List<FakeLink> links = new ArrayList<>();
    private final List<Scheduled> timers = new ArrayList<>();
    private final List<Publication> heard = new ArrayList<>();
    private boolean openingThrows;
    private int interruptions;

    private final Supervisor supervisor = new Supervisor(
            events -> {
                if (openingThrows) {
                    throw new IllegalStateException("closed");
                }
                links.add(new FakeLink(events));
                return last();
            },
            heard::add,
            () -> interruptions++,
            new Backoff(Duration.ofMillis(100), Duration.ofSeconds(2), new Random(1)),
            CONNECT_TIMEOUT,
            (delay, action) -> {
                Scheduled timer = new Scheduled(delay, action);
                timers.add(timer);
                return () -> timers.remove(timer);
            });

    private record Scheduled(Duration delay, Runnable action) {}

    private static final class FakeLink implements Link {
        private final Events events;
        private boolean closed;
        private boolean paused;

        FakeLink(Events events) {
            this.events = events;
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public void pause(boolean pause) {
            paused = pause;
        }
    }

    @Test
    void tellsOfEachInterruptionOnce() {
        supervisor.start();
        last().events.ended(new IOException("refused"));
        assertThat(interruptions).as("it was not live yet").isZero();
        fire();
        last().events.subscribed();
        last().events.ended(null);
        last().events.ended(null);
        fire();
        last().events.ended(null);
        assertThat(interruptions).isEqualTo(1);
    }

    @Test
    void pausesTheLinkThereIsAndTheOneThatComesAfter() {
        supervisor.start();
        supervisor.pause(true);
        assertThat(last().paused).as("the acknowledgement must get through").isFalse();
        last().events.subscribed();
        assertThat(last().paused).isTrue();
        supervisor.pause(false);
        assertThat(last().paused).isFalse();
        supervisor.pause(true);
        last().events.ended(null);
        fire();
        last().events.subscribed();
        assertThat(links).hasSize(2);
        assertThat(last().paused).isTrue();
    }

    @Test
    void isLiveOnceRedisHasAcknowledged() {
        supervisor.start();
        assertThat(supervisor.live()).isFalse();
        last().events.subscribed();
        assertThat(supervisor.live()).isTrue();
        assertThat(timers).as("the deadline is off").isEmpty();
    }

    @Test
    void resubscribesWhenALinkEndsCleanly() {
        supervisor.start();
        last().events.subscribed();
        last().events.ended(null);
        assertThat(supervisor.live()).isFalse();
        assertThat(links.get(0).closed).isTrue();
        fire();
        last().events.subscribed();
        assertThat(links).hasSize(2);
        assertThat(supervisor.live()).isTrue();
    }

    @Test
    void resubscribesWhenALinkFails() {
        supervisor.start();
        last().events.ended(new IOException("refused"));
        fire();
        assertThat(links).hasSize(2);
    }

    @Test
    void resubscribesWhenOpeningThrows() {
        openingThrows = true;
        supervisor.start();
        openingThrows = false;
        fire();
        last().events.subscribed();
        assertThat(supervisor.live()).isTrue();
    }

    @Test
    void countsAnEndOnce() {
        supervisor.start();
        Link.Events first = last().events;
        first.ended(new IOException("reset"));
        first.ended(null);
        first.subscribed();
        assertThat(timers).as("one attempt to come").hasSize(1);
        assertThat(supervisor.live()).isFalse();
    }

    @Test
    void givesUpAnAttemptThatHangs() {
        supervisor.start();
        assertThat(timers.get(0).delay).isEqualTo(CONNECT_TIMEOUT);
        fire();
        assertThat(links.get(0).closed).isTrue();
        fire();
        assertThat(links).hasSize(2);
    }

    @Test
    void backsOffFurtherEachTimeAndAnewAfterSuccess() {
        supervisor.start();
        for (int i = 0; i < 8; i++) {
            last().events.ended(new IOException("refused"));
            fire();
        }
        last().events.ended(null);
        assertThat(timers.get(0).delay).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
        fire();
        last().events.subscribed();
        last().events.ended(null);
        assertThat(timers.get(0).delay).isLessThanOrEqualTo(Duration.ofMillis(100));
    }

    @Test
    void passesOnWhatItsLinkHears() {
        supervisor.start();
        Publication publication = new Publication(new byte[] {'x'}, 0, 1, 0);
        last().events.published(publication);
        assertThat(heard).containsExactly(publication);
    }

    @Test
    void doesNotHearALinkItHasGivenUp() {
        supervisor.start();
        Link.Events first = last().events;
        first.subscribed();
        first.ended(null);
        first.published(new Publication(new byte[] {'x'}, 0, 1, 0));
        assertThat(heard).isEmpty();
    }

    @Test
    void aDeadlineThatComesTooLateEndsNothing() {
        supervisor.start();
        Runnable deadline = timers.get(0).action;
        last().events.subscribed();
        deadline.run();
        assertThat(supervisor.live()).isTrue();
        assertThat(last().closed).isFalse();
    }

    @Test
    void opensNothingAfterItIsStopped() {
        supervisor.start();
        last().events.subscribed();
        supervisor.stop();
        assertThat(supervisor.live()).isFalse();
        assertThat(last().closed).isTrue();
        last().events.ended(null);
        assertThat(timers).isEmpty();
        assertThat(links).hasSize(1);
    }

    @Test
    void isNotWokenByARetryAfterItIsStopped() {
        supervisor.start();
        last().events.ended(null);
        supervisor.stop();
        assertThat(timers).isEmpty();
    }

    private FakeLink last() {
        return links.get(links.size() - 1);
    }

    private void fire() {
        timers.remove(0).action.run();
    }
}
