package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.redis.ClusterContacts;
import dev.sluice.redis.ClusterContacts.Other;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A pod that is cut off together with a master believes to hear everything at most until the master has a successor. */
class QuorumWatchTest {

    private static final int HISTORIES = 2_000;
    private static final Duration STEP = Duration.ofMillis(50);
    private static final Duration BEAT = Duration.ofSeconds(1);

    private final SimulatedTime time = new SimulatedTime();
    private final QuorumWatch watch = new QuorumWatch(time, () -> {});

    @Test
    void whatIsHeardEndsBeforeThereIsASuccessor() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        int replaced = 0;
        int ended = 0;
        int learned = 0;
        for (int i = 0; i < HISTORIES; i++) {
            Simulation simulation = new Simulation(new Random(seed + i));
            simulation.run();
            assertThat(simulation.untold).as("seed " + (seed + i)).isNull();
            replaced += simulation.successor == null ? 0 : 1;
            ended += simulation.ended ? 1 : 0;
            learned += simulation.learned ? 1 : 0;
        }
        System.out.printf("%d replaced, %d connections ended, %d masters learned first%n", replaced, ended, learned);
        assertThat(replaced).isGreaterThan(HISTORIES / 10);
        assertThat(ended).isGreaterThan(HISTORIES / 20);
        assertThat(learned).isGreaterThan(HISTORIES / 50);
    }

    @Test
    void beatOfAMasterInContactProvesWhatIsOlder() {
        for (int i = 1; i <= 60; i++) {
            time.pass(BEAT);
            assertThat(watch.told(contacts(i, i), watch.now())).isTrue();
        }
        assertThat(watch.heardUntil(time.now()))
                .isBetween(
                        time.now().minus(QuorumWatch.LEARNING.multipliedBy(3)),
                        time.now().minus(QuorumWatch.LEARNING));
        Instant old = Instant.EPOCH.plusSeconds(3);
        assertThat(watch.heardUntil(old)).isEqualTo(old);
    }

    @Test
    void masterThatReachesNobodyProvesNothing() {
        time.pass(BEAT);
        assertThat(watch.told(contacts(1, 1), watch.now())).isTrue();
        for (int i = 0; i < 60; i++) {
            time.pass(BEAT);
            watch.told(contacts(1, 1), watch.now());
        }
        assertThat(watch.heardUntil(time.now())).isEqualTo(Instant.EPOCH);
    }

    @Test
    void masterWhoseClockIsSetBackProvesWhatIsOlderAgain() {
        for (int i = 1; i <= 60; i++) {
            time.pass(BEAT);
            watch.told(contacts(1_000 + i, 1_000 + i), watch.now());
        }
        Instant setBack = time.now();
        for (int i = 1; i <= 60; i++) {
            time.pass(BEAT);
            watch.told(contacts(i, i), watch.now());
        }
        assertThat(watch.heardUntil(time.now())).isAfter(setBack.plus(QuorumWatch.LEARNING));
    }

    @Test
    void clockOfThePodThatIsSetBackProvesNoMore() {
        for (int i = 1; i <= 60; i++) {
            time.pass(BEAT);
            watch.told(contacts(i, i), watch.now());
        }
        Duration old = Duration.between(watch.heardUntil(time.now()), time.now());
        time.setBack(Duration.ofHours(1));
        for (int i = 0; i < 10; i++) {
            time.pass(BEAT);
            watch.told(contacts(60, 60), watch.now());
        }
        assertThat(Duration.between(watch.heardUntil(time.now()), time.now()))
                .isGreaterThan(QuorumWatch.LEARNING.plus(BEAT));
        assertThat(old).isGreaterThan(QuorumWatch.LEARNING);
    }

    @Test
    void masterThatDoesNotTellLimitsNothing() {
        time.pass(BEAT);
        watch.refused();
        assertThat(watch.heardUntil(time.now())).isEqualTo(time.now());
    }

    @Test
    void onlyMasterNeedsNoOther() {
        for (int i = 0; i < 60; i++) {
            time.pass(BEAT);
            assertThat(watch.told(new ClusterContacts(true, List.of(), 2), watch.now()))
                    .isTrue();
        }
        assertThat(watch.heardUntil(time.now())).isAfter(time.now().minus(QuorumWatch.LEARNING.multipliedBy(3)));
    }

    @Test
    void masterOfALargeClusterIsAskedLessOften() {
        assertThat(watch.isDue()).isTrue();
        watch.told(new ClusterContacts(true, List.of(), 6), watch.now());
        assertThat(watch.isDue()).isTrue();
        watch.told(new ClusterContacts(true, List.of(), 40), watch.now());
        assertThat(IntStream.range(0, 6).filter(beat -> watch.isDue()).count()).isEqualTo(4);
        watch.told(new ClusterContacts(true, List.of(), 1_000), watch.now());
        assertThat(IntStream.range(0, 6).filter(beat -> watch.isDue()).count()).isEqualTo(1);
    }

    private static ClusterContacts contacts(long... pongs) {
        List<Other> others = new ArrayList<>();
        for (long pong : pongs) {
            others.add(new Other("m" + others.size(), true, pong));
        }
        return new ClusterContacts(true, others, 2 * pongs.length + 2);
    }

    /** A master that loses contact to some others and finds it again, its successor, and a pod that is on its side. */
    private static final class Simulation {

        private static final Duration ELECTION = Duration.ofMillis(500);

        /** How late a node hears from another node of what a third has answered. */
        private static final int GOSSIP_MILLIS = 1_000;

        private final Random random;
        private final SimulatedTime time = new SimulatedTime();
        private final QuorumWatch watch;
        private final Duration nodeTimeout;
        private final List<Peer> peers = new ArrayList<>();
        private final Instant cut;
        private final Instant healed;
        private @Nullable Instant successor;
        private @Nullable Instant learns;
        private boolean ended;
        private boolean learned;

        /** How long everything was said to be heard after there was a successor. */
        private @Nullable Duration untold;

        private final class Peer {

            private final boolean away = random.nextInt(4) > 0;
            private final Duration suspicion = nodeTimeout.plus(upTo(nodeTimeout.toMillis() / 2));
            private Instant contact = time.now();
            private Instant next = time.now();
            private Instant shown = time.now();
            private Instant shownFrom = time.now();

            void step() {
                Instant now = time.now();
                if (now.isBefore(next) || (away && isCut())) {
                    return;
                }
                contact = now;
                next = now.plus(upTo(nodeTimeout.toMillis() / 2));
                if (!now.isBefore(shownFrom)) {
                    shown = now;
                    shownFrom = now.plus(upTo(GOSSIP_MILLIS));
                }
                if (successor != null && learns == null) {
                    learns = now.plus(upTo(QuorumWatch.LEARNING.toMillis()));
                }
            }

            Instant shown() {
                return shown;
            }
        }

        Simulation(Random random) {
            this.random = random;
            this.watch = new QuorumWatch(time, () -> {});
            this.nodeTimeout = Duration.ofSeconds(2 + random.nextInt(14));
            this.cut = time.now().plus(upTo(60_000));
            this.healed = cut.plus(upTo(nodeTimeout.toMillis() * 2));
            int others = 2 + random.nextInt(5);
            for (int i = 0; i < others; i++) {
                peers.add(new Peer());
            }
        }

        private Duration upTo(long millis) {
            return Duration.ofMillis(random.nextInt((int) millis + 1));
        }

        private boolean isCut() {
            return !time.now().isBefore(cut) && time.now().isBefore(healed);
        }

        void run() {
            Instant beat = time.now();
            Instant end = healed.plusSeconds(20);
            while (time.now().isBefore(end) && !ended && !learned) {
                peers.forEach(Peer::step);
                elect();
                if (learns != null && !time.now().isBefore(learns)) {
                    learned = true;
                } else if (!time.now().isBefore(beat)) {
                    beat = time.now().plus(BEAT);
                    ended = !watch.told(contacts(), asked(upTo(STEP.toMillis())));
                }
                time.pass(STEP);
            }
            if (successor != null && watch.heardUntil(time.now()).isAfter(successor)) {
                untold = Duration.between(successor, watch.heardUntil(time.now()));
            }
        }

        private QuorumWatch.Moment asked(Duration before) {
            return new QuorumWatch.Moment(time.now().minus(before), time.nanos() - before.toNanos());
        }

        private ClusterContacts contacts() {
            List<Other> others = new ArrayList<>();
            for (Peer peer : peers) {
                boolean reached = silence(peer).compareTo(peer.suspicion) < 0;
                others.add(new Other("m" + others.size(), reached, peer.shown().toEpochMilli()));
            }
            return new ClusterContacts(true, others, 2 * peers.size() + 2);
        }

        private Duration silence(Peer peer) {
            return Duration.between(peer.contact, time.now());
        }

        /** A replica replaces the master once most masters miss it. */
        private void elect() {
            long missing = peers.stream()
                    .filter(peer -> silence(peer).compareTo(nodeTimeout.plus(ELECTION)) > 0)
                    .count();
            if (successor == null && 2 * missing > peers.size() + 1) {
                successor = time.now();
            }
        }
    }
}
