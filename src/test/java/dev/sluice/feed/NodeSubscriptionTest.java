package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.harness.Histories;
import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import io.netty.channel.ChannelPipeline;
import io.vertx.redis.client.Redis;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** A pod on a simulated Redis Cluster hears what is published on any master, or tells of a gap. */
@Execution(ExecutionMode.CONCURRENT)
class NodeSubscriptionTest {

    /** Between the pod and a node. */
    private static final Duration DELAY = Duration.ofMillis(1);

    /** Between two nodes. */
    private static final Duration BUS_DELAY = Duration.ofMillis(2);

    /** The time that a node needs after its start to connect to the others; it drops publications until then. */
    private static final Duration JOINING = Duration.ofMillis(100);

    private static final Duration NODE_TIMEOUT = Duration.ofSeconds(3);
    private static final Duration BEAT = Duration.ofSeconds(1);

    /** Every history would log what happens to its pod. */
    private static final Logger LOG = Logger.getLogger("dev.sluice.feed");

    private final Simulation cluster = new Simulation(new Random(1));

    @BeforeAll
    static void silence() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void speakAgain() {
        LOG.setLevel(null);
    }

    @Test
    void publicationsOnNewMastersAreHeardWithoutAGap() {
        cluster.settle();
        int gaps = cluster.gaps.size();
        Node added = cluster.add();
        for (int i = 0; i < 50; i++) {
            cluster.publish(added);
            cluster.time.pass(Duration.ofMillis(100));
        }
        cluster.settle();
        assertThat(cluster.gaps).hasSize(gaps);
        cluster.assertNothingLostUntold();
    }

    @Test
    void newMasterThatDiesBeforeItIsKnownIsAGap() {
        cluster.settle();
        int gaps = cluster.gaps.size();
        Node added = cluster.add();
        cluster.time.pass(Duration.ofMillis(3));
        cluster.publish(added);
        added.kill();
        cluster.time.pass(BEAT.multipliedBy(2));
        assertThat(cluster.gaps).hasSize(gaps + 1);
        cluster.settle();
        cluster.assertNothingLostUntold();
        assertThat(cluster.lost()).isEqualTo(1);
    }

    @Test
    void promotedReplicaThatDiesSoonIsAGap() {
        cluster.settle();
        Node master = cluster.other();
        master.kill();
        cluster.time.pass(NODE_TIMEOUT.plusMillis(1));
        Node promoted = cluster.masters().stream()
                .filter(node -> node.name.startsWith("r"))
                .findFirst()
                .orElseThrow();
        cluster.publish(promoted);
        cluster.time.pass(BEAT.dividedBy(2));
        cluster.publish(promoted);
        promoted.kill();
        cluster.settle();
        cluster.assertNothingLostUntold();
        assertThat(cluster.lost()).isEqualTo(1);
    }

    @Test
    void masterThatStartsAgainIsAGapUntilItIsHeard() {
        cluster.settle();
        Node master = cluster.other();
        cluster.replicaOf(master).kill();
        master.kill();
        cluster.time.pass(Duration.ofSeconds(10));
        assertThat(cluster.supervisor.live()).isTrue();
        master.start();
        cluster.publish(master);
        cluster.settle();
        assertThat(cluster.lost()).isEqualTo(1);
        cluster.assertNothingLostUntold();
    }

    @Test
    void gapLastsUntilAllMastersAreHeard() {
        long lost = 0;
        for (int delay = 0; delay < 200; delay++) {
            Simulation simulation = new Simulation(new Random(delay));
            simulation.settle();
            Node master = simulation.other();
            master.kill();
            simulation.time.pass(Duration.ofMillis(delay));
            master.start();
            for (int i = 0; i < 300; i++) {
                simulation.publish(master);
                simulation.time.pass(Duration.ofMillis(1));
            }
            simulation.settle();
            simulation.assertNothingLostUntold();
            lost += simulation.lost();
        }
        assertThat(lost).isPositive();
    }

    @Test
    void masterThatHangsIsLeftOutOnTheSameNode() {
        cluster.settle();
        Node node = cluster.subscribed();
        Node hanging = cluster.other();
        cluster.replicaOf(hanging).kill();
        hanging.freeze();
        cluster.time.pass(Duration.ofSeconds(10));
        assertThat(cluster.supervisor.live()).isTrue();
        assertThat(cluster.subscribed()).isEqualTo(node);
        hanging.thaw();
        cluster.settle();
        cluster.assertNothingLostUntold();
    }

    @Test
    void nodeThatHangsIsReplaced() {
        cluster.settle();
        Node node = cluster.subscribed();
        cluster.replicaOf(node).kill();
        node.freeze();
        cluster.time.pass(Duration.ofSeconds(15));
        assertThat(cluster.supervisor.live()).isTrue();
        assertThat(cluster.subscribed()).isNotEqualTo(node);
        node.thaw();
        cluster.settle();
        cluster.assertNothingLostUntold();
    }

    @Test
    void nodeThatDoesNotHearAnotherIsReplaced() {
        cluster.settle();
        Node node = cluster.subscribed();
        cluster.cut = node;
        cluster.cutFrom = cluster.other();
        cluster.time.pass(Duration.ofSeconds(15));
        assertThat(cluster.supervisor.live()).isTrue();
        assertThat(cluster.subscribed()).isNotEqualTo(node);
    }

    @Test
    void pausedPodReadsNothingAndHearsItLaterWithoutAGap() {
        cluster.settle();
        int gaps = cluster.gaps.size();
        assertThat(cluster.lost()).isZero();
        cluster.supervisor.pause(true);
        List<Node> masters = cluster.masters();
        masters.forEach(cluster::publish);
        cluster.time.pass(Duration.ofMinutes(1));
        assertThat(cluster.lost()).as("not read yet").isEqualTo(masters.size());
        cluster.supervisor.pause(false);
        assertThat(cluster.lost()).isZero();
        cluster.settle();
        assertThat(cluster.gaps).hasSize(gaps);
    }

    @Test
    void pauseIsThatOfTheNextNodeToo() {
        cluster.settle();
        Node node = cluster.subscribed();
        cluster.supervisor.pause(true);
        node.kill();
        cluster.time.pass(Duration.ofSeconds(40));
        assertThat(cluster.supervisor.live()).isTrue();
        assertThat(cluster.subscribed()).isNotEqualTo(node);
        long lost = cluster.lost();
        cluster.publish(
                cluster.masters().stream().filter(Node::works).findFirst().orElseThrow());
        cluster.time.pass(BEAT);
        assertThat(cluster.lost()).as("not read yet").isEqualTo(lost + 1);
        cluster.supervisor.pause(false);
        assertThat(cluster.lost()).isEqualTo(lost);
        cluster.settle();
        cluster.assertNothingLostUntold();
    }

    @Test
    void whatIsLostInRandomHistoriesIsTold() {
        long lost = 0;
        int told = 0;
        for (long seed = 0; seed < Histories.of(2_000); seed++) {
            Simulation simulation = new Simulation(new Random(seed));
            try {
                simulation.run();
                lost += simulation.lost();
                told += simulation.gaps.size();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        System.out.printf("Histories of a cluster: %d lost within %d gaps%n", lost, told);
        assertThat(lost).isPositive();
    }

    private record Period(Instant since, Instant until) {

        boolean contains(Instant time) {
            return !time.isBefore(since) && !time.isAfter(until);
        }
    }

    private static final class Node {

        private final Simulation cluster;
        private final String name;
        private final int port;
        private final List<Runnable> endings = new ArrayList<>();
        private final List<Runnable> deferred = new ArrayList<>();
        private boolean master;
        private boolean up = true;
        private boolean frozen;
        private int incarnation;
        private Instant joined = Instant.EPOCH;

        /** When it was killed or started the last time. */
        private Instant changed = Instant.EPOCH;

        /** The other node of the pair of master and replica. */
        private @Nullable Node partner;

        Node(Simulation cluster, String name, int port, boolean master) {
            this.cluster = cluster;
            this.name = name;
            this.port = port;
            this.master = master;
        }

        Master described() {
            return new Master(name, "127.0.0.1", port, List.of());
        }

        /** Does something on this node, unless it dies before. */
        void later(Duration delay, Runnable action) {
            int present = incarnation;
            cluster.time.after(delay, () -> {
                if (up && incarnation == present) {
                    if (frozen) {
                        deferred.add(action);
                    } else {
                        action.run();
                    }
                }
            });
        }

        void kill() {
            up = false;
            frozen = false;
            incarnation++;
            changed = cluster.time.now();
            deferred.clear();
            List<Runnable> ended = List.copyOf(endings);
            endings.clear();
            cluster.time.after(DELAY, () -> ended.forEach(Runnable::run));
            cluster.failOver(this);
        }

        void start() {
            up = true;
            changed = cluster.time.now();
            joined = changed.plus(JOINING);
        }

        void freeze() {
            frozen = true;
            cluster.failOver(this);
        }

        void thaw() {
            frozen = false;
            List<Runnable> due = List.copyOf(deferred);
            deferred.clear();
            due.forEach(Runnable::run);
        }

        boolean works() {
            return up && !frozen;
        }

        /** Passes something on to the node of the pod's subscription. */
        void pass(Consumer<FakeSubscription> message) {
            FakeSubscription to = cluster.subscription;
            if (to == null) {
                return;
            }
            if (to.node.equals(this)) {
                message.accept(to);
                return;
            }
            Instant now = cluster.time.now();
            boolean cut = to.node.equals(cluster.cut) && equals(cluster.cutFrom);
            if (!now.isBefore(joined) && !now.isBefore(to.node.joined) && !cut) {
                later(BUS_DELAY.minus(DELAY), () -> to.node.later(DELAY, () -> message.accept(to)));
            }
        }
    }

    private static final class FakeSubscription implements Subscription {

        private final Simulation cluster;
        private final Node node;
        private final RedisSubscription.Clients clients;
        private final Listener listener;
        private final List<Consumer<FakeSubscription>> unread = new ArrayList<>();
        private boolean acknowledged;
        private boolean paused;
        private boolean closed;

        FakeSubscription(Simulation cluster, Node node, RedisSubscription.Clients clients, Listener listener) {
            this.cluster = cluster;
            this.node = node;
            this.clients = clients;
            this.listener = listener;
            if (!node.up) {
                cluster.time.after(DELAY, () -> listener.ended(new IOException("refused")));
                return;
            }
            node.endings.add(() -> listener.ended(null));
            node.later(DELAY, () -> {
                acknowledged = true;
                cluster.time.after(DELAY, () -> {
                    if (!closed) {
                        listener.subscribed();
                    }
                });
            });
        }

        void message(Consumer<FakeSubscription> action) {
            if (acknowledged) {
                int incarnation = node.incarnation;
                cluster.time.after(DELAY, () -> {
                    if (!closed && incarnation == node.incarnation) {
                        unread.add(action);
                        read();
                    }
                });
            }
        }

        private void read() {
            while (!paused && !closed && !unread.isEmpty()) {
                unread.remove(0).accept(this);
            }
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public void pause(boolean paused) {
            this.paused = paused;
            read();
        }

        @Override
        public long messages() {
            return 0;
        }

        @Override
        public boolean tick(String text) {
            return true;
        }

        @Override
        public boolean hasClock() {
            return false;
        }

        @Override
        @SuppressWarnings("NullAway") // Time and connections are simulated.
        public BeatConnection connectPublisher(BeatConnection.Listener connection) {
            return clients.beats("beats", null, null, connection);
        }
    }

    private static final class FakeConnection implements NodeConnection {

        private final Simulation cluster;
        private final Node node;
        private final BeatConnection.Listener listener;
        private boolean connected;
        private boolean closed;

        FakeConnection(Simulation cluster, Node node, BeatConnection.Listener listener) {
            this.cluster = cluster;
            this.node = node;
            this.listener = listener;
            if (!node.up) {
                cluster.time.after(DELAY, () -> listener.ended(new IOException("refused")));
                return;
            }
            node.endings.add(() -> listener.ended(null));
            node.later(
                    DELAY,
                    () -> answer(() -> {
                        connected = true;
                        listener.connected();
                    }));
        }

        private void answer(Runnable action) {
            cluster.time.after(DELAY, () -> {
                if (!closed) {
                    action.run();
                }
            });
        }

        @Override
        public void publish(long code) {
            if (connected) {
                node.later(DELAY, () -> {
                    node.pass(to -> to.message(open -> open.listener.heard(code)));
                    answer(() -> listener.confirmed(code));
                });
            }
        }

        @Override
        public void ask(Consumer<ClusterTopology> then) {
            if (connected) {
                node.later(DELAY, () -> {
                    ClusterTopology topology = cluster.topology();
                    answer(() -> then.accept(topology));
                });
            }
        }

        @Override
        public void tick(String text) {}

        @Override
        public void close() {
            closed = true;
        }
    }

    /** Three masters with a replica each, a pod, and what was published. */
    private static final class Simulation implements NodeSubscription.Cluster, FeedListener {

        private static final int STEPS = 300;

        private record Published(int number, Instant at) {}

        private final Random random;
        private final SimulatedTime time = new SimulatedTime();
        private final List<Node> nodes = new ArrayList<>();
        private final List<Published> published = new ArrayList<>();
        private final Set<Integer> heard = new HashSet<>();
        private final List<Period> gaps = new ArrayList<>();
        private final Supervisor supervisor;
        private @Nullable FakeSubscription subscription;

        /** A node that does not receive what another one passes on. */
        private @Nullable Node cut;

        private @Nullable Node cutFrom;

        Simulation(Random random) {
            this.random = random;
            for (int i = 0; i < 3; i++) {
                Node master = new Node(this, "m" + i, 1 + nodes.size(), true);
                nodes.add(master);
                Node replica = new Node(this, "r" + i, 1 + nodes.size(), false);
                nodes.add(replica);
                master.partner = replica;
                replica.partner = master;
            }
            NodeChoice choice = new NodeChoice();
            supervisor = new Supervisor(
                    life -> new NodeSubscription(choice, this, time, life, this::open),
                    this,
                    new Backoff(Duration.ofMillis(100), Duration.ofSeconds(2), random),
                    new Supervisor.Timing(
                            Duration.ofSeconds(5),
                            BEAT,
                            3,
                            Duration.ofSeconds(15),
                            Duration.ofDays(1),
                            Era.Kind.COMMON),
                    time);
            supervisor.start();
        }

        private FakeSubscription open(Master node, RedisSubscription.Clients clients, Subscription.Listener listener) {
            FakeSubscription opened = new FakeSubscription(this, node(node), clients, listener);
            subscription = opened;
            return opened;
        }

        @Override
        public Redis subscriber(Master node, Consumer<ChannelPipeline> initializer) {
            throw new UnsupportedOperationException("the subscription is simulated");
        }

        @Override
        public void ask(Consumer<ClusterTopology> then, Consumer<Throwable> failed) {
            time.after(DELAY, () -> {
                if (nodes.stream().anyMatch(Node::works)) {
                    then.accept(topology());
                } else {
                    failed.accept(new IOException("no node"));
                }
            });
        }

        @Override
        public NodeConnection connect(Master node, String channel, BeatConnection.Listener listener) {
            return new FakeConnection(this, node(node), listener);
        }

        private Node node(Master master) {
            return nodes.stream()
                    .filter(node -> node.port == master.port())
                    .findFirst()
                    .orElseThrow();
        }

        ClusterTopology topology() {
            return new ClusterTopology(masters().stream().map(Node::described).toList());
        }

        List<Node> masters() {
            return nodes.stream().filter(node -> node.master).toList();
        }

        Node subscribed() {
            return Objects.requireNonNull(subscription).node;
        }

        /** Returns a master that is not the subscription's node. */
        Node other() {
            return masters().stream()
                    .filter(node -> !node.equals(subscribed()))
                    .findFirst()
                    .orElseThrow();
        }

        Node replicaOf(Node master) {
            return Objects.requireNonNull(master.partner);
        }

        Node add() {
            Node added = new Node(this, "a" + nodes.size(), 1 + nodes.size(), true);
            nodes.add(added);
            return added;
        }

        void failOver(Node failed) {
            time.after(NODE_TIMEOUT, () -> {
                Node replica = failed.partner;
                // A replica that has just started has no data, so that it is not promoted.
                boolean joined = replica != null && !time.now().isBefore(replica.joined);
                if (failed.master && !failed.works() && replica != null && replica.works() && joined) {
                    failed.master = false;
                    replica.master = true;
                }
            });
        }

        void publish(Node node) {
            if (node.works() && node.master) {
                int number = published.size();
                published.add(new Published(number, time.now()));
                node.pass(to -> to.message(open -> heard.add(number)));
            }
        }

        void run() {
            settle();
            for (int i = 0; i < STEPS; i++) {
                Node any = nodes.get(random.nextInt(nodes.size()));
                // Those that were promoted or added last are the most interesting.
                Node newest = masters().get(masters().size() - 1);
                switch (random.nextInt(60)) {
                    case 0 -> kill(any);
                    case 1 -> kill(newest);
                    case 2, 3, 4 ->
                        nodes.stream()
                                .filter(node -> !node.up && hadTime(node))
                                .findAny()
                                .ifPresent(Node::start);
                    case 5 -> freeze(any);
                    case 6, 7 ->
                        nodes.stream().filter(node -> node.frozen).findAny().ifPresent(Node::thaw);
                    case 8 -> {
                        if (nodes.size() < 9) {
                            add();
                        }
                    }
                    case 9, 10, 11 -> time.pass(Duration.ofMillis(random.nextInt(3_000)));
                    case 12, 13, 14, 15 -> time.pass(Duration.ofMillis(random.nextInt(300)));
                    default -> {
                        publish(masters().get(random.nextInt(masters().size())));
                        time.pass(Duration.ofNanos(random.nextInt(4_000_000)));
                    }
                }
            }
            settle();
            assertNothingLostUntold();
        }

        private void kill(Node node) {
            if (node.up && hadTime(node)) {
                publish(node);
                time.pass(Duration.ofNanos(random.nextInt(3_000_000)));
                node.kill();
            }
        }

        /** No pod notices that a node dies and starts again, or starts and dies, between two of its beats. */
        private boolean hadTime(Node node) {
            return time.now().isAfter(node.changed.plus(BEAT.multipliedBy(2)));
        }

        private void freeze(Node node) {
            if (node.works()) {
                node.freeze();
            }
        }

        /** All nodes work, and the pod is live. */
        void settle() {
            time.pass(BEAT.multipliedBy(3));
            nodes.stream().filter(node -> !node.up).forEach(Node::start);
            nodes.stream().filter(node -> node.frozen).forEach(Node::thaw);
            time.pass(Duration.ofSeconds(40));
            assertThat(supervisor.live()).isTrue();
            int before = gaps.size();
            for (Node node : masters()) {
                publish(node);
            }
            time.pass(Duration.ofSeconds(1));
            assertThat(gaps).hasSize(before);
            assertThat(heard).contains(published.size() - 1);
        }

        long lost() {
            return published.stream().filter(one -> !heard.contains(one.number)).count();
        }

        void assertNothingLostUntold() {
            assertThat(published.stream()
                            .filter(one -> !heard.contains(one.number))
                            .filter(one -> gaps.stream().noneMatch(gap -> gap.contains(one.at))))
                    .as("lost without a gap among %s", gaps)
                    .isEmpty();
        }

        @Override
        public void gap(Gap gap) {
            Instant until = gap.until();
            if (until != null) {
                gaps.add(new Period(gap.since(), until));
            }
        }

        @Override
        public void published(Batch batch) {}

        @Override
        public void tick(Ticker.Outcome outcome) {}

        @Override
        public void diverged() {}

        @Override
        public void clock(Ticker.State state) {}

        @Override
        public void control(PodMessage message) {}

        @Override
        public void beat(Duration latency) {}

        @Override
        public void renewal(PathProof.Renewal outcome) {}
    }
}
