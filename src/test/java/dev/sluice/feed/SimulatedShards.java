package dev.sluice.feed;

import dev.sluice.clock.Position;
import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.ClusterTopology.Range;
import dev.sluice.redis.HashSlot;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The connections of a pod to the masters of a simulated Redis Cluster, with a clock for each, for tests of other packages.
 * Each connection lags by itself.
 */
public final class SimulatedShards implements Shards.Cluster {

    /** The cluster. */
    public interface Cluster {

        /** Returns the master of each channel. */
        Map<String, String> owners();

        boolean isDead(String master);
    }

    /** A tick that a connection reads. */
    private record TickRead(Position position) {}

    private final Cluster cluster;
    private final Random random;
    private final Time time;
    private final Executor thread;
    private final Consumer<Batch> published;
    private final Shards shards;
    private final Map<String, Node> nodes = new HashMap<>();
    private ClusterTopology stale;
    private boolean hurries;

    /** The channel whose subscription was ended last; {@code null} if it was taken. */
    private @Nullable String left;

    private boolean over;

    /**
     * Creates connections.
     *
     * @param nanos the time
     * @param after runs an action after some milliseconds
     * @param published receives what the pod hears
     */
    public SimulatedShards(
            Cluster cluster,
            Random random,
            Duration linger,
            LongSupplier nanos,
            BiConsumer<Long, Runnable> after,
            Executor thread,
            Consumer<Batch> published) {
        this.cluster = cluster;
        this.random = random;
        this.thread = thread;
        this.published = published;
        this.time = new Time() {
            @Override
            public Instant now() {
                return Instant.EPOCH.plusNanos(nanos.getAsLong());
            }

            @Override
            public long nanos() {
                return nanos.getAsLong();
            }

            @Override
            public Runnable after(Duration delay, Runnable action) {
                after.accept(delay.toMillis(), action);
                return () -> {};
            }
        };
        this.shards = new Shards(
                new ChannelSubscriptions.Bounds(1000, linger, 2),
                100,
                time,
                thread,
                Duration.ofSeconds(1),
                loss -> {},
                forgotten -> {},
                interruption -> {});
        this.stale = topology();
    }

    /** Connects; to be called once the channels have been set up. */
    public void start() {
        shards.start(this);
    }

    public ShardedChannels channels() {
        return shards;
    }

    /** The pod is killed. */
    public void kill() {
        over = true;
    }

    /** Whether clients have waited for a tick of the master since the last call. */
    public boolean hurries() {
        boolean hurried = hurries;
        hurries = false;
        return hurried;
    }

    private static int slot(String channel) {
        return HashSlot.of(channel.getBytes(StandardCharsets.UTF_8));
    }

    private ClusterTopology topology() {
        Map<String, List<Range>> slots = new TreeMap<>();
        cluster.owners()
                .forEach((channel, owner) -> slots.computeIfAbsent(owner, missing -> new ArrayList<>())
                        .add(new Range(slot(channel), slot(channel))));
        return new ClusterTopology(slots.entrySet().stream()
                .map(entry -> new Master(entry.getKey(), entry.getKey(), 1, entry.getValue()))
                .toList());
    }

    @Override
    public void ask(Consumer<@Nullable ClusterTopology> then) {
        ClusterTopology reply = random.nextInt(4) == 0 ? stale : topology();
        stale = topology();
        boolean fails = random.nextInt(10) == 0;
        thread.execute(() -> then.accept(fails ? null : reply));
    }

    @Override
    public Runnable connect(Supplier<Master> master, ChannelSubscriptions channels, Shards.Events events) {
        Node node = new Node(master.get().id(), channels, events);
        nodes.put(node.id, node);
        thread.execute(node::open);
        return node::stop;
    }

    /** The master has executed a publication. */
    public void sent(String master, String channel, Publication publication) {
        Node node = nodes.get(master);
        if (node != null && node.subscribed.contains(channel)) {
            node.unread.add(publication);
        }
    }

    /** The master has executed a tick. */
    public void ticked(String master, Position tick) {
        Node node = nodes.get(master);
        if (node != null && node.open) {
            if (node.losesTick) {
                node.losesTick = false;
            } else {
                node.unread.add(new TickRead(tick));
            }
        }
    }

    /** What a connection has received is not read for some time. */
    public void stall(String master, Duration period) {
        Node node = nodes.get(master);
        if (node != null) {
            node.stalledUntil = time.nanos() + period.toNanos();
        }
    }

    /** Returns the channel whose subscription was ended last, once. */
    public @Nullable String takeLeft() {
        String taken = left;
        left = null;
        return taken;
    }

    /** All connections are read again, and lose no tick. */
    public void resume() {
        nodes.values().forEach(node -> {
            node.stalledUntil = 0;
            node.losesTick = false;
        });
    }

    /** The connection to a master will not receive its next tick; returns false if there is no connection. */
    public boolean loseTick(String master) {
        Node node = nodes.get(master);
        if (node != null) {
            node.losesTick = true;
        }
        return node != null;
    }

    /** A slot has left the master. */
    public void moved(String master, String channel) {
        Node node = nodes.get(master);
        if (node != null && node.subscribed.remove(channel)) {
            node.send(() -> {
                if (!node.channels.unsubscribed(channel)) {
                    node.events.ended(channel);
                }
            });
        }
    }

    /** The connection to the master ends. */
    public void cut(String master) {
        Node node = nodes.get(master);
        if (node != null) {
            node.cut();
        }
    }

    /** Reads some of what one connection has received. */
    public void read() {
        List<Node> open = List.copyOf(nodes.values());
        if (!open.isEmpty()) {
            open.get(random.nextInt(open.size())).read();
        }
    }

    /** A connection to a master, which is opened again when it ends. */
    private final class Node implements ChannelSubscriptions.Link {

        private final String id;
        private final ChannelSubscriptions channels;
        private final Shards.Events events;
        private final Set<String> subscribed = new HashSet<>();

        /** What the master has sent and was not read: publications, ticks, and tasks. */
        private Deque<Object> unread = new ArrayDeque<>();

        private Instant proven = Instant.EPOCH;
        private boolean open;
        private boolean live;
        private boolean stopped;
        private boolean losesTick;
        private long stalledUntil;

        /** The position of what was read last; {@code null} without a clock. */
        private @Nullable Position before;

        Node(String id, ChannelSubscriptions channels, Shards.Events events) {
            this.id = id;
            this.channels = channels;
            this.events = events;
        }

        void open() {
            if (stopped || open || over) {
                return;
            }
            if (cluster.isDead(id) || random.nextInt(10) == 0) {
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
                if (id.equals(cluster.owners().get(name))) {
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
                if (id.equals(cluster.owners().get(name))) {
                    left = name;
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

        @Override
        public void hurry() {
            hurries = true;
        }

        void read() {
            if (!open || time.nanos() < stalledUntil) {
                return;
            }
            List<Publication> publications = new ArrayList<>();
            int most = 1 + random.nextInt(6);
            while (unread.peek() instanceof Publication next && publications.size() < most) {
                publications.add(next);
                unread.remove();
            }
            if (!publications.isEmpty()) {
                Position from = before;
                before = from == null ? null : from.plus(publications.size());
                published.accept(new Batch(from, channels, publications));
            } else {
                Object next = unread.poll();
                if (next instanceof TickRead tick) {
                    tick(tick.position());
                } else if (next != null) {
                    ((Runnable) next).run();
                }
            }
            if (live) {
                proven = time.now();
                events.proven(proven);
            }
        }

        private void tick(Position tick) {
            if (before != null && before.era().equals(tick.era()) && tick.tick() != before.tick() + 1) {
                lose();
                events.lost(proven);
                events.live(time.now());
            } else {
                before = tick;
                published.accept(new Batch(tick, channels, new ArrayList<>()));
            }
        }

        /** Positions end. */
        private void lose() {
            if (before != null) {
                before = null;
                published.accept(new Batch(null, channels, new ArrayList<>()));
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
            time.after(Duration.ofMillis(30), () -> thread.execute(this::open));
        }

        private void end() {
            open = false;
            live = false;
            lose();
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

    /** Asks for the topology, as the feed does from time to time. */
    public void refresh() {
        Objects.requireNonNull(shards).refresh();
    }
}
