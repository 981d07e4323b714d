package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Histories;
import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.ClusterTopology.Range;
import dev.sluice.redis.HashSlot;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@Execution(ExecutionMode.CONCURRENT)
class ShardsTest {

    private static final int CHANNELS = 8;
    private static final Duration MARGIN = Duration.ofSeconds(1);
    private static final Duration LINGER = Duration.ofSeconds(30);
    private static final ChannelSubscriptions.Bounds BOUNDS = new ChannelSubscriptions.Bounds(1000, LINGER, 1);

    private final Simulation cluster = new Simulation(new Random(1));

    @Test
    void channelIsSubscribedOnTheMasterOfItsSlot() {
        cluster.listen("c0");
        cluster.listen("c1");
        cluster.settle();
        cluster.publish("c0");
        cluster.publish("c1");
        cluster.settle();
        cluster.assertNothingLostUntold();
        assertThat(cluster.heard).hasSize(2);
        assertThat(cluster.losses).isEmpty();
    }

    @Test
    void movedChannelAloneIsTold() {
        cluster.listen("c0");
        cluster.listen("c1");
        cluster.settle();
        cluster.move("c0");
        cluster.publish("c0");
        cluster.settle();
        cluster.publish("c0");
        cluster.settle();
        cluster.assertNothingLostUntold();
        assertThat(cluster.heard).hasSize(1);
        assertThat(cluster.losses).extracting(ChannelLoss::channel).containsExactly("c0", "c0");
    }

    @Test
    void lossesThatOverlapAreOneInterruption() {
        cluster.listen("c0");
        cluster.listen("c1");
        cluster.settle();
        cluster.interruptions.clear();
        cluster.kill("m0");
        cluster.kill("m1");
        cluster.settle();
        assertThat(cluster.interruptions).singleElement().matches(one -> one.until() == null);
        cluster.failOver("m0");
        cluster.settle();
        assertThat(cluster.interruptions).as("c1 is still lost").hasSize(1);
        cluster.failOver("m1");
        cluster.settle();
        assertThat(cluster.interruptions).hasSize(2);
        assertThat(cluster.interruptions.get(1).until()).isNotNull();
        assertThat(cluster.interruptions.get(1).since())
                .isEqualTo(cluster.interruptions.get(0).since());
    }

    @Test
    void channelLeavesItsShardWhenItMovesAndWhenNobodyWantsIt() {
        List<String> left = new ArrayList<>();
        cluster.shards.whenLeft((channels, name) -> left.add(name));
        cluster.listen("c0");
        cluster.listen("c1");
        cluster.settle();
        cluster.move("c1");
        cluster.settle();
        assertThat(left).containsExactly("c1");
        cluster.leave("c0");
        cluster.settle();
        assertThat(left).as("while it lingers").containsExactly("c1");
        cluster.pass(LINGER);
        assertThat(left).containsExactly("c1", "c0");
    }

    @Test
    void deathOfAMasterIsToldForItsChannelsAlone() {
        IntStream.range(0, CHANNELS).forEach(i -> cluster.listen("c" + i));
        cluster.settle();
        String dead = Objects.requireNonNull(cluster.owners.get("c0"));
        cluster.kill(dead);
        Set<String> affected = new HashSet<>();
        cluster.owners.forEach((channel, owner) -> {
            if (owner.equals(dead)) {
                affected.add(channel);
            }
        });
        cluster.settle();
        cluster.failOver(dead);
        cluster.settle();
        IntStream.range(0, CHANNELS).forEach(i -> cluster.publish("c" + i));
        cluster.settle();
        cluster.assertNothingLostUntold();
        assertThat(cluster.heard).hasSize(CHANNELS);
        assertThat(cluster.losses).extracting(ChannelLoss::channel).containsOnly(affected.toArray(String[]::new));
    }

    @Test
    void requestForChannelsOfManyShardsIsAnsweredOnce() {
        List<String> answers = new ArrayList<>();
        List<String> all = IntStream.range(0, CHANNELS).mapToObj(i -> "c" + i).toList();
        cluster.settle();
        cluster.shards.join(all, release -> answers.add(release == null ? "refused" : "joined"));
        cluster.settle();
        assertThat(answers).containsExactly("joined");
        assertThat(cluster.shards.pending()).isZero();
    }

    @Test
    void onlyMastersOfWantedChannelsAreConnected() {
        assertThat(cluster.nodes).as("one shows that this pod can subscribe").hasSize(1);
        assertThat(cluster.shards.hear()).isTrue();
        cluster.pass(LINGER);
        assertThat(cluster.nodes).isEmpty();
        assertThat(cluster.shards.hear()).as("a pod without channels").isTrue();
        cluster.listen("c0");
        cluster.listen("c3");
        cluster.settle();
        assertThat(cluster.nodes).containsOnlyKeys("m0");
        assertThat(cluster.shards.links(true)).isEqualTo(1);
        cluster.leave("c0");
        cluster.pass(LINGER.multipliedBy(2));
        assertThat(cluster.nodes).as("c3 is wanted").containsOnlyKeys("m0");
        cluster.leave("c3");
        cluster.settle();
        cluster.listen("c1");
        cluster.settle();
        assertThat(cluster.nodes).containsOnlyKeys("m0", "m1");
        cluster.pass(LINGER);
        assertThat(cluster.nodes).containsOnlyKeys("m1");
        assertThat(cluster.losses).isEmpty();
    }

    @Test
    void failedConnectionIsToldBeforeItsClientsAreAnswered() {
        cluster.pass(LINGER);
        cluster.kill("m0");
        cluster.listen("c0");
        assertThat(cluster.listening).isEmpty();
        cluster.settle();
        assertThat(cluster.listening).containsOnlyKeys("c0");
        assertThat(cluster.shards.lossSince("c0"))
                .as("what a client that subscribes now is told")
                .isNotNull()
                .isEqualTo(Objects.requireNonNull(cluster.last.get("c0")).since());
        assertThat(cluster.shards.hear()).as("its only connection is down").isFalse();
        cluster.listen("c1");
        cluster.settle();
        assertThat(cluster.shards.hear()).isTrue();
        assertThat(cluster.shards.links(false)).isEqualTo(1);
        cluster.failOver("m0");
        cluster.settle();
        cluster.publish("c0");
        cluster.settle();
        assertThat(cluster.heard).hasSize(1);
        assertThat(cluster.shards.lossSince("c0")).isNull();
        cluster.assertNothingLostUntold();
    }

    @Test
    void podIsDeafOnlyIfAllMastersOfWantedChannelsAreDown() {
        cluster.kill("m0");
        assertThat(cluster.shards.links(false)).isEqualTo(1);
        assertThat(cluster.shards.hear()).as("without channels").isTrue();
        cluster.listen("c0");
        cluster.settle();
        assertThat(cluster.shards.hear()).isFalse();
        cluster.listen("c1");
        cluster.settle();
        assertThat(cluster.shards.hear()).isTrue();
    }

    @Test
    void podStartsWithTheFirstMasterThatAnswers() {
        for (int maxShards : List.of(1, 2, 100)) {
            Simulation partly = new Simulation(new Random(1), maxShards, "m0", "m1");
            partly.settle();
            assertThat(partly.shards.hear()).as("with " + maxShards).isTrue();
            assertThat(partly.shards.links(true)).isEqualTo(1);
            partly.pass(LINGER.multipliedBy(2));
            assertThat(partly.nodes).as("connections without channels").isEmpty();
        }
    }

    @Test
    void unusedConnectionGivesWayBeyondTheMaximum() {
        Simulation two = new Simulation(new Random(1), 2);
        two.listen("c0");
        two.listen("c1");
        two.settle();
        two.listen("c2");
        two.settle();
        assertThat(two.nodes).as("c2 has a gap").containsOnlyKeys("m0", "m1");
        two.leave("c0");
        two.pass(LINGER.multipliedBy(2));
        assertThat(two.nodes).containsOnlyKeys("m1", "m2");
        two.publish("c2");
        two.settle();
        assertThat(two.heard).hasSize(1);
        assertThat(two.losses).as("the gap has ended").isNotEmpty().allMatch(loss -> loss.until() != null);
    }

    @Test
    void noConnectionIsMadeAfterTheEnd() {
        cluster.listen("c0");
        cluster.settle();
        cluster.shards.refresh();
        cluster.shards.stop();
        cluster.listen("c1");
        cluster.settle();
        assertThat(cluster.nodes).isEmpty();
    }

    @Test
    void channelComesBackFromAMasterOfWhichAStaleTopologyTold() {
        cluster.listen("c0");
        cluster.settle();
        cluster.tellOnce(cluster.topologyWith("c0", "m1"));
        cluster.shards.refresh();
        cluster.settle();
        assertThat(cluster.losses).extracting(ChannelLoss::channel).containsExactly("c0", "c0");
        cluster.publish("c0");
        cluster.settle();
        assertThat(cluster.heard).hasSize(1);
        cluster.assertNothingLostUntold();
    }

    @Test
    void staleTopologyLeavesNoSubscriptionBehind() {
        cluster.listen("c0");
        cluster.listen("c3");
        cluster.settle();
        cluster.leave("c0");
        cluster.settle();
        cluster.tellOnce(cluster.topologyWith("c0", "m1"));
        cluster.shards.refresh();
        cluster.settle();
        assertThat(Objects.requireNonNull(cluster.nodes.get("m0")).subscribed).containsExactly("c3");
    }

    @Test
    void requestIsAnsweredEvenIfItsChannelsHaveTooManyMasters() {
        Simulation two = new Simulation(new Random(1), 2);
        two.listen("c0");
        two.settle();
        two.listen("c1", "c2");
        two.settle();
        assertThat(two.answered).isEqualTo(two.asked);
        assertThat(two.listening).containsOnlyKeys("c0", "c1", "c2");
        assertThat(two.last).as("one of them is not heard").hasSize(1);
    }

    @Test
    void whatIsLostInRandomHistoriesIsTold() {
        assertNothingLostUntold(100, Histories.of(4_000));
    }

    @Test
    void whatIsLostInRandomHistoriesBeyondTheMaximumIsTold() {
        assertNothingLostUntold(2, Histories.of(4_000));
    }

    private static void assertNothingLostUntold(int maxShards, int histories) {
        int told = 0;
        for (long seed = 0; seed < histories; seed++) {
            Simulation simulation = new Simulation(new Random(seed), maxShards);
            try {
                simulation.run();
                told += simulation.losses.size();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertThat(told).isPositive();
    }

    /** Masters with channels, each in a slot of its own, and links that lag behind them. */
    private static final class Simulation implements Shards.Cluster {

        private record Published(String channel, int number, Instant at) {}

        private final Random random;
        private final SimulatedTime time = new SimulatedTime();
        private final Queue<Runnable> tasks = new ArrayDeque<>();
        private final List<ChannelLoss> losses = new ArrayList<>();
        private final List<Interruption> interruptions = new ArrayList<>();
        private final Map<String, String> owners = new LinkedHashMap<>();
        private final Set<String> dead = new HashSet<>();
        private final Map<String, Node> nodes = new HashMap<>();

        /** By channel, the number of publications before it had a listener; instants would be ambiguous. */
        private final Map<String, Integer> listening = new HashMap<>();

        private final List<Published> published = new ArrayList<>();
        private final Set<Integer> heard = new HashSet<>();
        private ClusterTopology stale;
        private @Nullable ClusterTopology told;
        private final Shards shards;

        /** Whether channels may stay without a connection. */
        private final boolean scarce;

        /** By channel, what was told last; also before it had a listener. */
        private final Map<String, ChannelLoss> last = new HashMap<>();

        /** The channels whose loss has begun, and has neither ended nor been forgotten. */
        private final Set<String> unended = new HashSet<>();

        private int asked;
        private int answered;
        private int added;

        Simulation(Random random) {
            this(random, 100);
        }

        Simulation(Random random, int maxShards, String... dead) {
            this.dead.addAll(List.of(dead));
            this.random = random;
            this.scarce = maxShards < 3;
            this.shards = new Shards(
                    BOUNDS,
                    maxShards,
                    time,
                    tasks::add,
                    MARGIN,
                    loss -> {
                        losses.add(loss);
                        last.put(loss.channel(), loss);
                        if (loss.until() == null) {
                            unended.add(loss.channel());
                        } else {
                            unended.remove(loss.channel());
                        }
                    },
                    loss -> assertThat(unended.remove(loss.channel()))
                            .as("forgotten: " + loss)
                            .isTrue(),
                    interruptions::add);
            List<String> ids = List.of("m0", "m1", "m2");
            for (int i = 0; i < CHANNELS; i++) {
                owners.put("c" + i, ids.get(i % ids.size()));
            }
            stale = topology();
            shards.start(this);
            settle();
        }

        private static int slot(String channel) {
            return HashSlot.of(channel.getBytes(StandardCharsets.UTF_8));
        }

        private ClusterTopology topology() {
            return topology(owners);
        }

        ClusterTopology topologyWith(String channel, String owner) {
            Map<String, String> changed = new LinkedHashMap<>(owners);
            changed.put(channel, owner);
            return topology(changed);
        }

        void tellOnce(ClusterTopology topology) {
            told = topology;
        }

        private static ClusterTopology topology(Map<String, String> owners) {
            Map<String, List<Range>> slots = new TreeMap<>();
            owners.forEach((channel, owner) -> slots.computeIfAbsent(owner, missing -> new ArrayList<>())
                    .add(new Range(slot(channel), slot(channel))));
            return new ClusterTopology(slots.entrySet().stream()
                    .map(entry -> new Master(entry.getKey(), entry.getKey(), 1, entry.getValue()))
                    .toList());
        }

        @Override
        public void ask(Consumer<@Nullable ClusterTopology> then) {
            ClusterTopology reply = told != null ? told : random.nextInt(4) == 0 ? stale : topology();
            stale = topology();
            boolean fails = told == null && random.nextInt(10) == 0;
            told = null;
            tasks.add(() -> then.accept(fails ? null : reply));
        }

        @Override
        public Runnable connect(Supplier<Master> master, ChannelSubscriptions channels, Shards.Events events) {
            Node node = new Node(master.get().id(), channels, events);
            nodes.put(node.id, node);
            tasks.add(node::open);
            return node::stop;
        }

        /** A connection to a master, which is opened again when it ends. */
        private final class Node implements ChannelSubscriptions.Link {

            private final String id;
            private final ChannelSubscriptions channels;
            private final Shards.Events events;
            private final Set<String> subscribed = new HashSet<>();

            /** What the master has sent and was not read. */
            private Queue<Runnable> unread = new ArrayDeque<>();

            private Instant proven = Instant.EPOCH;
            private boolean open;
            private boolean live;
            private boolean stopped;

            Node(String id, ChannelSubscriptions channels, Shards.Events events) {
                this.id = id;
                this.channels = channels;
                this.events = events;
            }

            void open() {
                if (stopped || open) {
                    return;
                }
                if (dead.contains(id) || random.nextInt(10) == 0) {
                    events.failed();
                    openLater();
                } else {
                    open = true;
                    channels.connected(this, () -> {
                        Instant from = time.now();
                        send(() -> {
                            live = true;
                            proven = from;
                            events.live(from);
                        });
                    });
                }
            }

            void send(Runnable message) {
                unread.add(message);
            }

            @Override
            public void subscribe(List<String> names) {
                for (String name : names) {
                    if (id.equals(owners.get(name))) {
                        subscribed.add(name);
                        send(() -> channels.subscribed(name));
                    } else {
                        send(() -> events.moved(slot(name)));
                    }
                }
            }

            @Override
            public void unsubscribe(List<String> names) {
                for (String name : names) {
                    if (id.equals(owners.get(name))) {
                        subscribed.remove(name);
                        send(() -> {
                            if (!channels.unsubscribed(name)) {
                                events.ended(name);
                            }
                        });
                    } else {
                        send(() -> events.moved(slot(name)));
                    }
                }
            }

            void beat() {
                Instant at = time.now();
                send(() -> {
                    if (live) {
                        proven = at;
                        events.proven(at);
                    }
                });
            }

            void read() {
                Runnable next = unread.poll();
                if (next != null && open) {
                    next.run();
                }
            }

            void cut() {
                if (open) {
                    Instant since = proven;
                    boolean was = live;
                    end();
                    if (was) {
                        events.lost(since);
                    } else {
                        events.failed();
                    }
                    openLater();
                }
            }

            private void openLater() {
                time.after(Duration.ofMillis(300), () -> tasks.add(this::open));
            }

            private void end() {
                open = false;
                live = false;
                subscribed.clear();
                unread = new ArrayDeque<>();
                channels.disconnected(this);
            }

            void stop() {
                stopped = true;
                nodes.remove(id, this);
                if (open) {
                    end();
                }
            }
        }

        void listen(String... channels) {
            asked++;
            shards.join(List.of(channels), release -> {
                answered++;
                for (String channel : channels) {
                    shards.wanted(channel);
                    if (listening.putIfAbsent(channel, published.size()) == null) {
                        // The end of a gap is not told if all listeners have left.
                        losses.removeIf(loss -> loss.channel().equals(channel));
                    }
                    if (channels.length > 1) {
                        publish(channel);
                    }
                }
                Objects.requireNonNull(release).run();
            });
        }

        private String[] several() {
            return random.ints(2 + random.nextInt(3), 0, CHANNELS)
                    .distinct()
                    .mapToObj(i -> "c" + i)
                    .toArray(String[]::new);
        }

        void leave(String channel) {
            if (listening.remove(channel) != null) {
                shards.unwanted(channel);
            }
        }

        void publish(String channel) {
            String owner = owners.get(channel);
            if (owner == null || dead.contains(owner)) {
                return;
            }
            int number = published.size();
            published.add(new Published(channel, number, time.now()));
            Node node = nodes.get(owner);
            if (node != null && node.subscribed.contains(channel)) {
                node.send(() -> heard.add(number));
            }
        }

        void move(String channel) {
            String from = owners.get(channel);
            List<String> others = owners.values().stream()
                    .distinct()
                    .filter(id -> !id.equals(from) && !dead.contains(id))
                    .toList();
            if (from == null || others.isEmpty()) {
                return;
            }
            owners.put(
                    channel, random.nextInt(8) == 0 ? "m" + (3 + added++) : others.get(random.nextInt(others.size())));
            Node node = nodes.get(from);
            if (node != null && node.subscribed.remove(channel)) {
                node.send(() -> {
                    if (!node.channels.unsubscribed(channel)) {
                        node.events.ended(channel);
                    }
                });
            }
        }

        void kill(String id) {
            dead.add(id);
            Node node = nodes.get(id);
            if (node != null) {
                node.cut();
            }
        }

        void failOver(String id) {
            String replica = "m" + (3 + added++);
            owners.replaceAll((channel, owner) -> owner.equals(id) ? replica : owner);
        }

        private void step() {
            Runnable task = tasks.poll();
            if (task != null) {
                task.run();
            }
            List.copyOf(nodes.values()).forEach(Node::read);
        }

        void settle() {
            for (int i = 0; i < 150; i++) {
                for (int j = 0; j < 40; j++) {
                    step();
                }
                time.pass(Duration.ofMillis(100));
            }
        }

        void pass(Duration duration) {
            for (Instant end = time.now().plus(duration); time.now().isBefore(end); ) {
                settle();
            }
        }

        void run() {
            for (int i = 0; i < 200; i++) {
                String channel = "c" + random.nextInt(CHANNELS);
                switch (random.nextInt(24)) {
                    case 0 -> listen(channel);
                    case 1 -> listen(several());
                    case 2, 3 -> move(channel);
                    case 4 -> {
                        Node node = nodes.get(owners.get(channel));
                        if (node != null) {
                            node.cut();
                        }
                    }
                    case 5 -> {
                        String id = String.valueOf(owners.get(channel));
                        if (owners.values().stream()
                                        .distinct()
                                        .filter(one -> !dead.contains(one))
                                        .count()
                                > 1) {
                            kill(id);
                            time.after(Duration.ofMillis(700), () -> failOver(id));
                        }
                    }
                    case 6 -> List.copyOf(nodes.values()).forEach(Node::beat);
                    case 7, 8 -> time.pass(Duration.ofMillis(random.nextInt(100)));
                    case 9, 10 -> leave(channel);
                    case 11, 12, 13, 14 -> publish(channel);
                    default -> step();
                }
            }
            settle();
            listening.keySet().forEach(this::publish);
            settle();
            assertThat(answered).as("answered requests").isEqualTo(asked);
            assertNothingLostUntold();
            nodes.values()
                    .forEach(node -> assertThat(node.channels.names())
                            .as("subscribed by " + node.id)
                            .containsAll(node.subscribed));
            if (!scarce) {
                assertThat(shards.pending()).as("unacknowledged").isZero();
            }
            Set.copyOf(listening.keySet()).forEach(this::leave);
            pass(LINGER.multipliedBy(2));
            assertThat(nodes).as("connections without channels").isEmpty();
            assertThat(unended).as("losses of channels without listeners").isEmpty();
            for (int i = 0; i < interruptions.size(); i++) {
                assertThat(interruptions.get(i).until() == null)
                        .as("beginning or end: number %d of %s", i, interruptions)
                        .isEqualTo(i % 2 == 0);
            }
            assertThat(interruptions.size() % 2).as("without an end").isZero();
        }

        void assertNothingLostUntold() {
            for (Published one : published) {
                Integer from = listening.get(one.channel);
                if (from == null || one.number < from || heard.contains(one.number)) {
                    continue;
                }
                ChannelLoss told = last.get(one.channel);
                if (scarce && told != null && told.until() == null && !one.at.isBefore(told.since())) {
                    continue;
                }
                assertThat(losses)
                        .as("publication " + one + " is in a gap with an end")
                        .anyMatch(loss -> loss.channel().equals(one.channel)
                                && loss.until() != null
                                && !one.at.isBefore(loss.since())
                                && !one.at.isAfter(loss.until()));
            }
            Map<String, Boolean> open = new HashMap<>();
            losses.stream()
                    .filter(loss -> listening.containsKey(loss.channel()))
                    .forEach(loss -> open.put(loss.channel(), loss.until() == null));
            if (!scarce) {
                assertThat(open).as("gaps without an end").doesNotContainValue(true);
            }
        }
    }
}
