package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.clock.Era;
import dev.sluice.redis.NotMasterException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SupervisorTest {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration BEAT = Duration.ofSeconds(1);
    /** TickerTest tests ticks. */
    private static final Duration NEVER = Duration.ofDays(1);

    private static final Duration RECONNECT = Duration.ofSeconds(15);

    private final List<FakeSubscription> subscriptions = new ArrayList<>();
    private final List<Scheduled> timers = new ArrayList<>();
    private boolean openingThrows;
    private final List<Gap> gaps = new ArrayList<>();
    private final List<PathProof.Renewal> renewals = new ArrayList<>();
    private final List<Duration> latencies = new ArrayList<>();
    private int divergences;
    private Instant now = Instant.EPOCH;

    private final Supervisor supervisor = new Supervisor(
            events -> {
                if (openingThrows) {
                    throw new IllegalStateException("closed");
                }
                subscriptions.add(new FakeSubscription(events));
                return last();
            },
            new FeedListener() {
                @Override
                public void published(Batch batch) {
                    throw new AssertionError("the supervisor publishes nothing");
                }

                @Override
                public void tick(Ticker.Outcome outcome) {
                    throw new AssertionError("no tick is due");
                }

                @Override
                public void diverged() {
                    divergences++;
                }

                @Override
                public void clock(Ticker.State state) {}

                @Override
                public void control(PodMessage message) {
                    throw new AssertionError("the supervisor sends no message");
                }

                @Override
                public void gap(Gap gap) {
                    gaps.add(gap);
                }

                @Override
                public void beat(Duration latency) {
                    latencies.add(latency);
                }

                @Override
                public void renewal(PathProof.Renewal outcome) {
                    renewals.add(outcome);
                }
            },
            new Backoff(Duration.ofMillis(100), Duration.ofSeconds(2), new Random(1)),
            new Supervisor.Timing(CONNECT_TIMEOUT, BEAT, 3, RECONNECT, NEVER, Era.Kind.COMMON),
            new Time() {
                @Override
                public Instant now() {
                    return now;
                }

                @Override
                public long nanos() {
                    return Duration.between(Instant.EPOCH, now).toNanos();
                }

                @Override
                public Runnable after(Duration delay, Runnable action) {
                    if (delay.compareTo(NEVER) >= 0) {
                        return () -> {};
                    }
                    Scheduled timer = new Scheduled(delay, action);
                    timers.add(timer);
                    return () -> timers.remove(timer);
                }
            });

    private record Scheduled(Duration delay, Runnable action) {}

    private static final class FakePublisher implements BeatConnection {

        private final BeatConnection.Listener listener;
        private long newest;
        private boolean closed;
        private boolean failsToClose;

        FakePublisher(BeatConnection.Listener listener) {
            this.listener = listener;
        }

        @Override
        public void publish(long number) {
            newest = number;
        }

        @Override
        public void tick(String text) {
            throw new AssertionError("no tick is due");
        }

        @Override
        public void close() {
            closed = true;
            if (failsToClose) {
                throw new IllegalStateException("closed twice");
            }
        }
    }

    private static final class FakeSubscription implements Subscription {

        private final Subscription.Listener events;
        private final List<FakePublisher> publishers = new ArrayList<>();
        private boolean closed;
        private boolean paused;
        private long messages;

        FakeSubscription(Subscription.Listener events) {
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

        @Override
        public boolean tick(String text) {
            throw new AssertionError("no tick is due");
        }

        @Override
        public long messages() {
            return messages;
        }

        @Override
        public BeatConnection connectPublisher(BeatConnection.Listener listener) {
            publishers.add(new FakePublisher(listener));
            return newestPublisher();
        }

        /** Returns the connection in use. */
        FakePublisher publisher() {
            return publishers.stream().filter(one -> !one.closed).findFirst().orElseThrow();
        }

        /** Returns the connection in use, or its replacement. */
        FakePublisher newestPublisher() {
            return publishers.get(publishers.size() - 1);
        }

        long replacedPublishers() {
            return publishers.stream().filter(one -> one.closed).count();
        }

        boolean renewing() {
            return publishers.stream().filter(one -> !one.closed).count() == 2;
        }

        void subscribed() {
            events.subscribed();
            publisher().listener.connected();
        }

        void hear() {
            events.heard(publisher().newest);
        }

        void renewed() {
            newestPublisher().listener.connected();
        }

        void hearNewest() {
            events.heard(newestPublisher().newest);
        }

        void live() {
            subscribed();
            hear();
        }
    }

    @Test
    void gapLastsFromTheLastBeatUntilTheNextSubscription() {
        supervisor.start();
        last().live();
        gaps.clear();
        at(10);
        fire();
        at(11);
        last().hear();
        at(12);
        last().events.ended(null);
        last().events.ended(null);
        Gap open = new Gap(Instant.EPOCH.plusSeconds(10), null);
        assertThat(supervisor.gap()).isEqualTo(open);
        fire();
        last().events.ended(new IOException("refused"));
        assertThat(gaps).containsExactly(open);
        fire();
        at(20);
        last().subscribed();
        at(21);
        assertThat(supervisor.gap()).as("nothing has been heard yet").isNotNull();
        last().hear();
        assertThat(supervisor.gap()).isNull();
        assertThat(gaps).containsExactly(open, open.closed(Instant.EPOCH.plusSeconds(20)));
    }

    @Test
    void gapLastsFromTheStartUntilFirstLive() {
        Gap first = new Gap(Instant.EPOCH, null);
        at(1);
        supervisor.start();
        assertThat(supervisor.gap()).isEqualTo(first);
        last().events.ended(new IOException("refused"));
        assertThat(gaps).isEmpty();
        fire();
        at(2);
        last().live();
        assertThat(gaps).containsExactly(first.closed(Instant.EPOCH.plusSeconds(2)));
    }

    @Test
    void subscriptionWithoutBeatsIsDead() {
        supervisor.start();
        last().live();
        for (int i = 0; i < 3; i++) {
            fire();
            assertThat(supervisor.live()).isTrue();
        }
        fire();
        assertThat(supervisor.live()).isFalse();
        assertThat(subscriptions.get(0).closed).isTrue();
    }

    @Test
    void oneHeardBeatIsEnough() {
        supervisor.start();
        last().live();
        for (int i = 0; i < 20; i++) {
            fire();
            if (i % 3 == 2) {
                last().hear();
            }
        }
        assertThat(supervisor.live()).isTrue();
        assertThat(timers).hasSize(1);
    }

    @Test
    void laggingSubscriptionIsNotDead() {
        supervisor.start();
        last().live();
        for (int i = 0; i < 20; i++) {
            fire();
            last().messages++;
        }
        assertThat(supervisor.live()).isTrue();
        assertThat(last().publisher().newest)
                .as("no more beats than may be missed")
                .isEqualTo(4);
        fire();
        fire();
        assertThat(supervisor.live()).isFalse();
    }

    @Test
    void unknownBeatDoesNotCount() {
        supervisor.start();
        last().live();
        for (int i = 0; i < 4; i++) {
            fire();
            last().events.heard(1);
            last().events.heard(1000);
        }
        assertThat(supervisor.live()).isFalse();
    }

    @Test
    void measuresTheLatencyOfBeats() {
        supervisor.start();
        last().subscribed();
        at(3);
        last().hear();
        assertThat(latencies).containsExactly(Duration.ofSeconds(3));
    }

    @Test
    void pauseCountsNoMissedBeat() {
        supervisor.start();
        last().live();
        fire();
        fire();
        supervisor.pause(true);
        for (int i = 0; i < 10; i++) {
            fire();
        }
        supervisor.pause(false);
        for (int i = 0; i < 3; i++) {
            fire();
        }
        assertThat(supervisor.live()).isTrue();
        fire();
        assertThat(supervisor.live()).isFalse();
    }

    @Test
    void pausesTheCurrentAndTheNextSubscription() {
        supervisor.start();
        supervisor.pause(true);
        assertThat(last().paused).as("the acknowledgement must get through").isFalse();
        last().subscribed();
        assertThat(last().paused).as("so must the first beat").isFalse();
        last().hear();
        assertThat(last().paused).isTrue();
        supervisor.pause(false);
        assertThat(last().paused).isFalse();
        supervisor.pause(true);
        last().events.ended(null);
        fire();
        last().live();
        assertThat(subscriptions).hasSize(2);
        assertThat(last().paused).isTrue();
    }

    @Test
    void isLiveOnceABeatIsHeard() {
        supervisor.start();
        assertThat(supervisor.live()).isFalse();
        last().live();
        assertThat(supervisor.live()).isTrue();
        assertThat(timers)
                .as("the next beat")
                .singleElement()
                .extracting(Scheduled::delay)
                .isEqualTo(BEAT);
    }

    @Test
    void resubscribesAfterACleanEnd() {
        supervisor.start();
        last().live();
        last().events.ended(null);
        assertThat(supervisor.live()).isFalse();
        assertThat(subscriptions.get(0).closed).isTrue();
        fire();
        last().live();
        assertThat(subscriptions).hasSize(2);
        assertThat(supervisor.live()).isTrue();
    }

    @Test
    void resubscribesAfterAFailure() {
        supervisor.start();
        last().events.ended(new IOException("refused"));
        fire();
        assertThat(subscriptions).hasSize(2);
    }

    @Test
    void resubscribesWhenOpeningThrows() {
        openingThrows = true;
        supervisor.start();
        openingThrows = false;
        fire();
        last().live();
        assertThat(supervisor.live()).isTrue();
    }

    @Test
    void countsEachEndOnce() {
        supervisor.start();
        Subscription.Listener first = last().events;
        first.ended(new IOException("reset"));
        first.ended(null);
        first.subscribed();
        assertThat(timers).as("one attempt to come").hasSize(1);
        assertThat(supervisor.live()).isFalse();
    }

    @Test
    void endsAHangingAttempt() {
        supervisor.start();
        assertThat(timers.get(0).delay).isEqualTo(CONNECT_TIMEOUT);
        fire();
        assertThat(subscriptions.get(0).closed).isTrue();
        fire();
        assertThat(subscriptions).hasSize(2);
    }

    @Test
    void backOffGrowsAndResetsAfterSuccess() {
        supervisor.start();
        for (int i = 0; i < 8; i++) {
            last().events.ended(new IOException("refused"));
            fire();
        }
        last().events.ended(null);
        assertThat(timers.get(0).delay).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
        fire();
        last().live();
        last().events.ended(null);
        assertThat(timers.get(0).delay).isLessThanOrEqualTo(Duration.ofMillis(100));
    }

    @Test
    void lateDeadlineEndsNothing() {
        supervisor.start();
        Runnable deadline = timers.get(0).action;
        last().live();
        deadline.run();
        assertThat(supervisor.live()).isTrue();
        assertThat(last().closed).isFalse();
    }

    @Test
    void opensNoSubscriptionAfterStop() {
        supervisor.start();
        last().live();
        supervisor.stop();
        assertThat(supervisor.live()).isFalse();
        assertThat(last().closed).isTrue();
        last().events.ended(null);
        assertThat(timers).isEmpty();
        assertThat(subscriptions).hasSize(1);
    }

    @Test
    void stopCancelsTheRetry() {
        supervisor.start();
        last().events.ended(null);
        supervisor.stop();
        assertThat(timers).isEmpty();
    }

    @Test
    void newConnectionReplacesTheOldOnceItsBeatIsHeard() {
        supervisor.start();
        last().live();
        awaitRenewal();
        last().renewed();
        assertThat(last().newestPublisher().newest)
                .as("before the next beat is due")
                .isZero();
        beatAndHear();
        assertThat(last().replacedPublishers())
                .as("only the old connection's beat was heard")
                .isZero();
        last().hearNewest();
        assertThat(last().replacedPublishers()).isEqualTo(1);
        assertThat(renewals).containsExactly(PathProof.Renewal.PROVEN);
        for (int i = 0; i < 5; i++) {
            beatAndHear();
        }
        assertThat(supervisor.live()).isTrue();
        assertThat(gaps).hasSize(1);
    }

    @Test
    void connectionIsRenewedRepeatedly() {
        supervisor.start();
        last().live();
        for (int i = 1; i <= 3; i++) {
            awaitRenewal();
            last().renewed();
            beatAndHear();
            last().hearNewest();
            assertThat(last().replacedPublishers()).isEqualTo(i);
        }
        assertThat(Duration.between(Instant.EPOCH, now))
                .isBetween(RECONNECT.multipliedBy(2), RECONNECT.multipliedBy(4));
    }

    @Test
    void unheardBeatsOfTheNewConnectionMeanDead() {
        supervisor.start();
        last().live();
        awaitRenewal();
        last().renewed();
        for (int i = 0; i < 3; i++) {
            beatAndHear();
            // Publishers with old connections still reach the old server.
            last().messages++;
            assertThat(supervisor.live()).isTrue();
        }
        tick();
        assertThat(supervisor.live()).isFalse();
        assertThat(supervisor.reason()).contains("configured address");
        assertThat(renewals).containsExactly(PathProof.Renewal.LOST);
        assertThat(subscriptions.get(0).closed).isTrue();
        fire();
        last().live();
        assertThat(supervisor.live()).isTrue();
        assertThat(supervisor.reason()).isNull();
    }

    @Test
    void lagDelaysTheDecisionOnTheNewConnection() {
        supervisor.start();
        last().live();
        awaitRenewal();
        last().renewed();
        for (int i = 0; i < 10; i++) {
            tick();
            last().messages++;
        }
        assertThat(supervisor.live())
                .as("the beats of both connections are behind")
                .isTrue();
        last().hearNewest();
        assertThat(last().replacedPublishers()).isEqualTo(1);
        tick();
        last().hear();
        assertThat(supervisor.live()).isTrue();
    }

    @Test
    void oldConnectionStaysIfTheNewOneFails() {
        supervisor.start();
        last().live();
        awaitRenewal();
        last().newestPublisher().listener.ended(new IOException("refused"));
        awaitRenewal();
        // The connection hangs.
        for (int i = 0; i <= CONNECT_TIMEOUT.toSeconds(); i++) {
            beatAndHear();
        }
        assertThat(last().renewing()).isFalse();
        assertThat(renewals).containsExactly(PathProof.Renewal.FAILED, PathProof.Renewal.FAILED);
        awaitRenewal();
        last().renewed();
        beatAndHear();
        last().hearNewest();
        assertThat(renewals).last().isEqualTo(PathProof.Renewal.PROVEN);
        assertThat(supervisor.live()).isTrue();
    }

    @Test
    void pauseDelaysTheDecisionOnTheNewConnection() {
        supervisor.start();
        last().live();
        awaitRenewal();
        last().renewed();
        tick();
        supervisor.pause(true);
        for (int i = 0; i < 10; i++) {
            tick();
        }
        supervisor.pause(false);
        tick();
        last().hearNewest();
        assertThat(last().replacedPublishers()).isEqualTo(1);
        assertThat(supervisor.live()).isTrue();
    }

    @Test
    void deadServerIsDetectedDuringARenewal() {
        supervisor.start();
        last().live();
        awaitRenewal();
        last().renewed();
        for (int i = 0; i < 4; i++) {
            tick();
        }
        assertThat(supervisor.live()).isFalse();
    }

    @Test
    void newConnectionToAReplicaEndsTheSubscription() {
        supervisor.start();
        last().live();
        awaitRenewal();
        last().newestPublisher().listener.ended(new NotMasterException("a replica", "the address of the master"));
        assertThat(supervisor.live()).isFalse();
        assertThat(subscriptions.get(0).closed).isTrue();
    }

    @Test
    void endOfTheSubscriptionClosesBothPublishers() {
        supervisor.start();
        last().live();
        awaitRenewal();
        last().events.ended(null);
        assertThat(subscriptions.get(0).publishers).hasSize(2).allMatch(publisher -> publisher.closed);
        subscriptions.get(0).publishers.forEach(publisher -> publisher.listener.ended(null));
        assertThat(renewals).isEmpty();
        assertThat(timers).as("one attempt to come").hasSize(1);
    }

    @Test
    void connectionThatFailsToCloseDelaysNoAttempt() {
        supervisor.start();
        last().live();
        last().publisher().failsToClose = true;
        assertThatThrownBy(() -> last().events.ended(null)).isInstanceOf(IllegalStateException.class);
        assertThat(supervisor.live()).isFalse();
        assertThat(subscriptions.get(0).closed).isTrue();
        assertThat(timers).as("one attempt to come").hasSize(1);
        fire();
        last().live();
        assertThat(supervisor.live()).isTrue();
    }

    @Test
    void publisherConnectedAfterTheEndPublishesNothing() {
        supervisor.start();
        last().events.subscribed();
        FakePublisher late = last().newestPublisher();
        last().events.ended(null);
        late.listener.connected();
        assertThat(late.newest).isZero();
    }

    @Test
    void clockResetIsReportedAsAnEndedGap() {
        supervisor.start();
        last().live();
        gaps.clear();
        at(20);
        supervisor.lost(Instant.EPOCH.plusSeconds(10));
        assertThat(gaps)
                .containsExactly(
                        new Gap(Instant.EPOCH.plusSeconds(10), null),
                        new Gap(Instant.EPOCH.plusSeconds(10), Instant.EPOCH.plusSeconds(20)));
        assertThat(supervisor.live()).isTrue();
        assertThat(divergences).isEqualTo(1);
    }

    @Test
    void clockResetDuringAGapIsNotReported() {
        supervisor.start();
        supervisor.lost(Instant.EPOCH);
        assertThat(gaps).isEmpty();
    }

    @Test
    void endOfThePublisherEndsTheSubscription() {
        supervisor.start();
        last().live();
        last().publisher().listener.ended(null);
        assertThat(supervisor.live()).isFalse();
        assertThat(subscriptions.get(0).closed).isTrue();
    }

    /** Hears all beats until a new connection is to be made. */
    private void awaitRenewal() {
        for (int i = 0; !last().renewing(); i++) {
            assertThat(i).isLessThanOrEqualTo(15);
            beatAndHear();
        }
    }

    private void beatAndHear() {
        tick();
        last().hear();
    }

    private void tick() {
        now = now.plus(BEAT);
        fire();
    }

    private FakeSubscription last() {
        return subscriptions.get(subscriptions.size() - 1);
    }

    private void at(long second) {
        now = Instant.EPOCH.plusSeconds(second);
    }

    private void fire() {
        timers.remove(0).action.run();
    }
}
