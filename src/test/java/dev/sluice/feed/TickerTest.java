package dev.sluice.feed;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.clock.Stretch;
import dev.sluice.clock.Summary;
import dev.sluice.clock.Tick;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TickerTest {

    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final Duration JITTER = Duration.ofMillis(100);
    private static final Duration BEHIND = Duration.ofMillis(300);
    private static final Era ERA = new Era(1_000, 7);

    private static final Stretch ELSE = new Stretch(7, 7);

    private final SimulatedTime time = new SimulatedTime();
    private final List<String> published = new ArrayList<>();
    private final List<Instant> lost = new ArrayList<>();
    private final List<Batch> batches = new ArrayList<>();
    private final List<Ticker.Outcome> ticks = new ArrayList<>();
    private Ticker.State state = Ticker.State.ABSENT;
    private final Ticker ticker = new Ticker(
            INTERVAL,
            time,
            new FeedListener() {
                @Override
                public void published(Batch batch) {
                    batches.add(batch);
                }

                @Override
                public void tick(Ticker.Outcome outcome) {
                    ticks.add(outcome);
                }

                @Override
                public void diverged() {
                    throw new AssertionError("the supervisor says so");
                }

                @Override
                public void clock(Ticker.State next) {
                    state = next;
                }

                @Override
                public void control(PodMessage message) {
                    throw new AssertionError("no message of a pod");
                }

                @Override
                public void gap(Gap gap) {
                    throw new AssertionError("no gap");
                }

                @Override
                public void beat(Duration latency) {
                    throw new AssertionError("no beat");
                }

                @Override
                public void renewal(PathProof.Renewal outcome) {
                    throw new AssertionError("no renewal");
                }
            },
            new Ticker.Owner() {
                @Override
                public void publish(String text) {
                    published.add(text);
                }

                @Override
                public Instant heardUntil() {
                    return time.now().minus(BEHIND);
                }

                @Override
                public void lost(Instant since) {
                    lost.add(since);
                }
            });

    @Test
    void singlePodFoundsAnEraAtOnce() {
        ticker.start();
        assertThat(state).isEqualTo(Ticker.State.AWAITED);
        ticker.alone();
        assertThat(published).hasSize(1);
        hearOwn();
        assertThat(state).isEqualTo(Ticker.State.VOUCHES);
        assertThat(ticks).containsExactly(Ticker.Outcome.SENT, Ticker.Outcome.HEARD);
        assertThat(offset(batches.get(0).before())).isEqualTo("1:0");
        assertThat(batches.get(0).publications()).isEmpty();
    }

    @Test
    void podThatHearsNoTickFoundsAnEraAfterThreeIntervals() {
        ticker.start();
        time.pass(INTERVAL.multipliedBy(3).minusMillis(1));
        assertThat(published).isEmpty();
        time.pass(JITTER.plusMillis(1));
        assertThat(published).hasSize(1);
        assertThat(Tick.parse(published.get(0)).number()).isEqualTo(1);
    }

    @Test
    void eachAttemptHasItsOwnNonceAndEra() {
        ticker.start();
        time.pass(INTERVAL.multipliedBy(40));
        List<Tick> attempts = published.stream().map(Tick::parse).toList();
        assertThat(attempts).hasSizeGreaterThan(10);
        assertThat(new HashSet<>(attempts.stream().map(Tick::nonce).toList())).hasSameSizeAs(attempts);
        assertThat(new HashSet<>(attempts.stream().map(Tick::era).toList())).hasSameSizeAs(attempts);
    }

    @Test
    void readinessDoesNotWaitIfNoPodTicks() {
        ticker.start();
        time.pass(INTERVAL);
        assertThat(state).isEqualTo(Ticker.State.AWAITED);
        time.pass(JITTER.multipliedBy(2));
        assertThat(state).isEqualTo(Ticker.State.ABSENT);
    }

    @Test
    void readinessWaitsALimitedTimeForTheProvingTick() {
        ticker.start();
        time.pass(INTERVAL);
        hear(tick(5, 50, 40));
        time.pass(INTERVAL.multipliedBy(2));
        assertThat(state).isEqualTo(Ticker.State.AWAITED);
        hear(tick(7, 70, 60));
        time.pass(INTERVAL.multipliedBy(2));
        assertThat(state).isEqualTo(Ticker.State.ABSENT);
        hear(tick(8, 80, 70));
        assertThat(state).isEqualTo(Ticker.State.VOUCHES);
    }

    @Test
    void batchesCarryThePositionBeforeThem() {
        adopt();
        assertThat(offset(batches.get(0).before())).isEqualTo("6:0");
        Batch first = ticker.batch(publications("a", "b"));
        assertThat(offset(first.before())).isEqualTo("6:0");
        assertThat(offset(first.position(1))).isEqualTo("6:2");
        assertThat(offset(ticker.batch(publications("c")).before())).isEqualTo("6:2");
        hear(tick(7, 70, 60));
        assertThat(offset(batches.get(1).before())).isEqualTo("7:0");
    }

    @Test
    void positionsStartAfterAllSubscriptionsAreAcknowledged() {
        hear(tick(1, 10, 0));
        assertThat(ticker.batch(publications("a")).before()).isNull();
        ticker.start();
        hear(tick(2, 20, 10));
        assertThat(ticker.batch(publications("a")).before()).isNull();
        hear(tick(3, 30, 20));
        assertThat(offset(ticker.batch(publications("a")).before())).isEqualTo("3:0");
    }

    @Test
    void positionsBeginAgainOnceTheChannelOfTheTicksHasChanged() {
        adopt();
        batches.clear();
        published.clear();
        ticker.restart();
        assertThat(batches).extracting(Batch::before).containsExactly((Position) null);
        assertThat(state).isEqualTo(Ticker.State.AWAITED);
        ticker.alone();
        hearOwn();
        assertThat(state).isEqualTo(Ticker.State.VOUCHES);
        assertThat(batches.get(1).before()).isNotNull();
        ticker.close();
        ticker.restart();
        assertThat(state).as("after the end").isEqualTo(Ticker.State.ABSENT);
    }

    @Test
    void podTicksAfterASilentIntervalPlusJitter() {
        adopt();
        time.pass(INTERVAL.minusMillis(1));
        hear(tick(7, 70, 60));
        time.pass(INTERVAL.minusMillis(1));
        assertThat(published).isEmpty();
        time.pass(JITTER.plusMillis(1));
        Tick own = Tick.parse(published.get(0));
        assertThat(own.number()).isEqualTo(8);
        assertThat(own.previous()).isEqualTo(70);
        // The pod did not hear it.
        time.pass(INTERVAL.plus(JITTER));
        assertThat(Tick.parse(published.get(1)).number()).isEqualTo(8);
        assertThat(Tick.parse(published.get(1)).nonce()).isNotEqualTo(own.nonce());
    }

    @Test
    void copiedTicksDoNotDelayTheNextTick() {
        adopt();
        for (int i = 0; i < 11; i++) {
            time.pass(JITTER);
            hear(tick(6, 61, 50));
        }
        assertThat(published).hasSize(1);
        assertThat(ticks).contains(Ticker.Outcome.IGNORED);
    }

    @Test
    void pausedPodDoesNotTick() {
        adopt();
        ticker.pause(true);
        time.pass(INTERVAL.multipliedBy(10));
        assertThat(published).isEmpty();
        ticker.pause(false);
        time.pass(INTERVAL.plus(JITTER));
        assertThat(published).hasSize(1);
    }

    @Test
    void endOfTheSubscriptionEndsPositions() {
        adopt();
        ticker.close();
        assertThat(state).isEqualTo(Ticker.State.ABSENT);
        assertThat(batches).last().isEqualTo(new Batch(null, List.of()));
        assertThat(time.timers()).isZero();
        hear(tick(7, 70, 60));
        assertThat(batches).hasSize(2);
    }

    @Test
    void minorityReportsAGapSinceTheDifferingStretch() {
        adopt();
        Instant fifth = time.now();
        diverge(7);
        assertThat(published).as("what this pod has heard").hasSize(1).allMatch(Summary::isOne);
        assertThat(lost).containsExactly(fifth.minus(BEHIND));
        assertThat(state).isEqualTo(Ticker.State.ABSENT);
        assertThat(batches).last().isEqualTo(new Batch(null, List.of()));
        hear(tick(10, 100, 90));
        assertThat(state).isEqualTo(Ticker.State.VOUCHES);
        assertThat(offset(batches.get(batches.size() - 1).before())).isEqualTo("10:0");
    }

    @Test
    void decidingTickComesAfterHalfAnInterval() {
        adopt();
        hear(tick(7, 70, 60));
        hear(new Tick(ERA, 8, 80, 70, ELSE));
        published.clear();
        time.pass(INTERVAL.dividedBy(2).minusMillis(1));
        assertThat(published).isEmpty();
        time.pass(JITTER.plusMillis(1));
        assertThat(Tick.parse(published.get(0)).number()).isEqualTo(9);
    }

    @Test
    void repeatedDifferencesSwitchTheClockOff() {
        adopt();
        for (int i = 0; i < 3; i++) {
            assertThat(state).isEqualTo(Ticker.State.VOUCHES);
            diverge(7 + 4 * i);
            hear(tick(10 + 4 * i, 100 + 40 * i, 90 + 40 * i));
        }
        assertThat(lost).hasSize(3);
        assertThat(state).isEqualTo(Ticker.State.ABSENT);
        published.clear();
        hear(tick(1, 1, 0));
        time.pass(INTERVAL.multipliedBy(10));
        assertThat(ticker.batch(publications("a")).before()).isNull();
        assertThat(published).isEmpty();
    }

    @Test
    void rareDifferencesKeepTheClock() {
        adopt();
        for (int i = 0; i < 5; i++) {
            ticker.pause(true);
            time.pass(Duration.ofMinutes(6));
            ticker.pause(false);
            diverge(7 + 4 * i);
            hear(tick(10 + 4 * i, 100 + 40 * i, 90 + 40 * i));
        }
        assertThat(lost).hasSize(5);
        assertThat(state).isEqualTo(Ticker.State.VOUCHES);
    }

    @Test
    void invalidTicksAreIgnored() {
        ticker.start();
        ticker.hear("hello");
        ticker.hear(null);
        assertThat(ticks).containsExactly(Ticker.Outcome.IGNORED, Ticker.Outcome.IGNORED);
    }

    private void adopt() {
        ticker.start();
        hear(tick(5, 50, 40));
        hear(tick(6, 60, 50));
        assertThat(state).isEqualTo(Ticker.State.VOUCHES);
    }

    /** Hears three ticks; the second states that other pods heard other messages before the first. */
    private void diverge(long number) {
        hear(tick(number, 10 * number, 10 * (number - 1)));
        time.pass(JITTER);
        hear(new Tick(ERA, number + 1, 10 * (number + 1), 10 * number, ELSE));
        time.pass(JITTER);
        hear(tick(number + 2, 10 * (number + 2), 10 * (number + 1)));
    }

    private void hearOwn() {
        ticker.hear(published.get(published.size() - 1));
    }

    private void hear(Tick tick) {
        ticker.hear(tick.toString());
    }

    private static Tick tick(long number, long nonce, long previous) {
        return new Tick(ERA, number, nonce, previous, null);
    }

    private static List<Publication> publications(String... payloads) {
        List<Publication> all = new ArrayList<>();
        for (String payload : payloads) {
            all.add(new Publication(("user:7" + payload).getBytes(US_ASCII), "user:7".length(), payload.length(), 0));
        }
        return all;
    }

    /** Returns the number of the tick and of the messages since. */
    private static @Nullable String offset(@Nullable Position position) {
        return position == null ? null : (position.offset() >> 24) + ":" + (position.offset() & ((1 << 24) - 1));
    }
}
