package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.HashSlot;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The channels to which this pod subscribes in a Redis Cluster, in mode {@code sharded}: each on the master of its slot,
 * with one supervised connection for each. When a slot moves, its channels move to the connection of their new master,
 * and the loss in between is told for exactly these. Confined to the feed's thread unless stated otherwise.
 */
final class Shards implements WantedChannels {

    /** How long the topology is not asked for again after a reply; doubled if that did not help. */
    static final Duration RETRY = Duration.ofMillis(200);

    private static final int MAX_DOUBLINGS = 4;

    /** Opens supervised connections, and asks for the topology. */
    interface Cluster {

        /** Keeps a connection to the master open; returns what ends it. */
        Runnable connect(Supplier<Master> master, ChannelSubscriptions channels, Events events);

        /** Asks for the topology. */
        void ask(Consumer<@Nullable ClusterTopology> then);
    }

    /** What happens to one connection. */
    interface Events {

        /** Everything is heard from the instant on. */
        void live(Instant from);

        /** Everything that was published before the instant has been heard, or told as missed. */
        void proven(Instant until);

        /** Everything was heard until the instant. */
        void lost(Instant since);

        /** The master has said that it does not serve the slot. */
        void moved(int slot);

        /** The master has ended a subscription by itself. */
        void ended(String channel);
    }

    private final class Shard implements Events {

        /** With its present slots. */
        private Master master;

        private final ChannelSubscriptions channels = subscriptions();
        private Runnable stop = () -> {};
        private volatile boolean live;
        private boolean hasBeenLive;

        /** Until when its channels have been heard for certain. */
        private Instant since = time.now();

        Shard(Master master) {
            this.master = master;
            channels.whenHeld(name -> heardAgain(this, name, time.now()));
        }

        @Override
        public void live(Instant from) {
            live = true;
            hasBeenLive = true;
            started |= shards.values().stream().allMatch(shard -> shard.hasBeenLive);
            for (String name : channels.names()) {
                if (channels.holds(name)) {
                    // Its clients may have been answered on an attempt that failed.
                    Instant before = losses.get(name);
                    losses.put(name, before != null && before.isBefore(since) ? before : since);
                    heardAgain(this, name, from);
                }
            }
            since = from;
        }

        @Override
        public void proven(Instant until) {
            if (live) {
                since = until;
            }
        }

        @Override
        public void lost(Instant from) {
            live = false;
            since = from;
            channels.names().forEach(name -> lose(name, from));
            refresh();
        }

        @Override
        public void moved(int slot) {
            channels.forgetLeaving(name -> slot(name) == slot);
            channels.names().stream()
                    .filter(name -> slot(name) == slot && channels.hasSent(name))
                    .forEach(name -> {
                        // Its clients are answered now, or were when an earlier connection ended.
                        lose(name, live ? time.now() : since);
                        channels.move(name, homeless);
                    });
            refresh();
        }

        @Override
        public void ended(String channel) {
            if (channels.has(channel)) {
                // Its new master may have been serving it for a moment.
                lose(channel, since.minus(margin));
                channels.move(channel, homeless);
            }
            refresh();
        }
    }

    private static final Logger LOG = Logger.getLogger(Shards.class);

    private final LogThrottle tooMany = new LogThrottle();
    private final ChannelSubscriptions.Bounds bounds;
    private final int maxShards;
    private final Time time;
    private final Executor thread;
    private @Nullable Cluster cluster;
    private final Consumer<ChannelLoss> onLoss;
    private final Duration margin;

    /** By the ID of the master. */
    private final Map<String, Shard> shards = new LinkedHashMap<>();

    /** The channels without a connection, because their slot is moving. */
    private final ChannelSubscriptions homeless;

    /** Since when channels may have lost publications. */
    private final Map<String, Instant> losses = new HashMap<>();

    private Consumer<String> onLeft = name -> {};
    private @Nullable ClusterTopology topology;
    private volatile boolean started;
    private boolean asking;
    private boolean askAgain;
    private int round;
    private int retries;
    private volatile List<ChannelSubscriptions> all = List.of();
    private volatile List<Shard> links = List.of();

    /**
     * Creates it without connecting.
     *
     * @param bounds of all masters together, but for the channels that linger: of each
     * @param maxShards the maximum of connections
     * @param thread runs tasks on the feed's thread; thread-safe
     * @param margin how long an old and a new master may differ on who serves a slot
     */
    Shards(
            ChannelSubscriptions.Bounds bounds,
            int maxShards,
            Time time,
            Executor thread,
            Duration margin,
            Consumer<ChannelLoss> onLoss) {
        this.bounds = bounds;
        this.maxShards = maxShards;
        this.time = time;
        this.thread = thread;
        this.margin = margin;
        this.onLoss = onLoss;
        this.homeless = subscriptions();
    }

    private ChannelSubscriptions subscriptions() {
        ChannelSubscriptions made = new ChannelSubscriptions(bounds, time, thread);
        made.whenLeft(name -> {
            // Otherwise clients came back, and this is the end of an earlier subscription.
            if (!place(name).has(name)) {
                losses.remove(name);
            }
            onLeft.accept(name);
        });
        return made;
    }

    private static int slot(String name) {
        return HashSlot.of(name.getBytes(StandardCharsets.UTF_8));
    }

    private void lose(String name, Instant since) {
        Instant before = losses.get(name);
        if (before == null) {
            losses.put(name, since);
            onLoss.accept(new ChannelLoss(name, since, null));
        } else if (since.isBefore(before)) {
            losses.put(name, since);
        }
    }

    /** Ends the loss of a channel that its shard hears again. */
    private void heardAgain(Shard shard, String name, Instant from) {
        if (shard.live && shard.channels.holds(name)) {
            Instant since = losses.remove(name);
            if (since != null) {
                onLoss.accept(new ChannelLoss(name, since, from.isBefore(since) ? since : from));
            }
        }
    }

    /** Whether every master has been heard once. May be called by any thread. */
    boolean started() {
        return started;
    }

    /** Connects to all masters. */
    void start(Cluster to) {
        cluster = to;
        refresh();
    }

    /** Asks for the topology, and follows it. */
    void refresh() {
        if (asking) {
            askAgain = true;
            return;
        }
        asking = true;
        askAgain = false;
        round++;
        Objects.requireNonNull(cluster).ask(told -> {
            if (told != null) {
                follow(told);
            }
            boolean unsettled = told == null
                    || askAgain
                    || !homeless.names().isEmpty()
                    || shards.values().stream().anyMatch(shard -> !shard.live);
            time.after(RETRY, () -> {
                asking = false;
                if (askAgain) {
                    retries = 0;
                    refresh();
                } else if (unsettled) {
                    retryLater();
                } else {
                    retries = 0;
                }
            });
        });
    }

    /** A slot may have no master for long, and each request opens a connection. */
    private void retryLater() {
        int present = round;
        time.after(RETRY.multipliedBy((1L << retries) - 1), () -> {
            if (present == round) {
                refresh();
            }
        });
        retries = Math.min(retries + 1, MAX_DOUBLINGS);
    }

    private void follow(ClusterTopology told) {
        topology = told;
        Map<String, Master> masters = new LinkedHashMap<>();
        told.masters().forEach(master -> masters.put(master.id(), master));
        List<Shard> gone = new ArrayList<>();
        for (Shard shard : List.copyOf(shards.values())) {
            Master now = masters.get(shard.master.id());
            if (now == null || !now.address().equals(shard.master.address())) {
                shards.remove(shard.master.id());
                gone.add(shard);
            }
        }
        for (Master master : told.masters()) {
            if (!shards.containsKey(master.id())) {
                if (shards.size() >= maxShards) {
                    excess();
                    continue;
                }
                Shard added = new Shard(master);
                shards.put(master.id(), added);
                added.stop = Objects.requireNonNull(cluster).connect(() -> added.master, added.channels, added);
            } else {
                Objects.requireNonNull(shards.get(master.id())).master = master;
            }
        }
        for (Shard shard : gone) {
            Instant since = shard.since.minus(margin);
            shard.stop.run();
            shard.channels.names().forEach(name -> lose(name, since));
            shard.channels.names().forEach(name -> shard.channels.move(name, home(told, name)));
        }
        for (Shard shard : shards.values()) {
            for (String name : shard.channels.names()) {
                ChannelSubscriptions home = home(told, name);
                if (!home.equals(shard.channels)) {
                    lose(name, shard.since.minus(margin));
                    shard.channels.move(name, home);
                }
            }
        }
        for (String name : homeless.names()) {
            ChannelSubscriptions home = home(told, name);
            if (!home.equals(homeless)) {
                homeless.move(name, home);
            }
        }
        links = List.copyOf(shards.values());
        all = Stream.concat(Stream.of(homeless), shards.values().stream().map(shard -> shard.channels))
                .toList();
    }

    private void excess() {
        long count = tooMany.pass();
        if (count > 0) {
            LOG.errorf(
                    "The cluster has more masters than sluice.feed.max-shards, which is %d: the channels of the others"
                            + " are not heard, and their clients have a gap",
                    maxShards);
        }
    }

    private ChannelSubscriptions home(ClusterTopology told, String name) {
        Master master = told.of(slot(name));
        Shard shard = master == null ? null : shards.get(master.id());
        return shard == null ? homeless : shard.channels;
    }

    private ChannelSubscriptions place(String name) {
        ClusterTopology told = topology;
        return told == null || homeless.has(name) ? homeless : home(told, name);
    }

    @Override
    public void whenLeft(Consumer<String> action) {
        onLeft = action;
    }

    @Override
    public void wanted(String name) {
        thread.execute(() -> place(name).want(name));
    }

    @Override
    public void unwanted(String name) {
        thread.execute(() -> place(name).drop(name));
    }

    /** Never waits for a tick, as no publication has a position. */
    @Override
    public void join(Collection<String> names, boolean counts, Consumer<@Nullable Runnable> then) {
        thread.execute(() -> {
            long added = names.stream().filter(name -> !place(name).has(name)).count();
            if (added > 0 && wanted() + added > bounds.maxChannels()) {
                then.accept(null);
                return;
            }
            Map<ChannelSubscriptions, List<String>> parts = new LinkedHashMap<>();
            names.forEach(name -> parts.computeIfAbsent(place(name), missing -> new ArrayList<>())
                    .add(name));
            parts.forEach((place, part) -> {
                if (!place.isConnected()) {
                    // Answered at once.
                    part.forEach(name -> lose(name, time.now()));
                }
            });
            Joined joined = new Joined(parts.size(), then);
            parts.forEach((place, part) -> place.await(part, false, joined));
        });
    }

    /** Awaits the parts of a request on several shards. */
    private static final class Joined implements Consumer<@Nullable Runnable> {

        private final Consumer<@Nullable Runnable> then;
        private final List<Runnable> releases = new ArrayList<>();
        private int missing;
        private boolean refused;

        Joined(int parts, Consumer<@Nullable Runnable> then) {
            this.missing = parts;
            this.then = then;
        }

        @Override
        public void accept(@Nullable Runnable release) {
            missing--;
            if (release == null) {
                refused = true;
            } else {
                releases.add(release);
            }
            if (missing == 0) {
                Runnable whole = () -> releases.forEach(Runnable::run);
                if (refused) {
                    whole.run();
                    then.accept(null);
                } else {
                    then.accept(whole);
                }
            }
        }
    }

    private int wanted() {
        return sum(places -> places.held() + places.pending());
    }

    /** The number of connections that are live, or are not. May be called by any thread, for metrics. */
    long links(boolean live) {
        return links.stream().filter(shard -> shard.live == live).count();
    }

    @Override
    public int held() {
        return sum(ChannelSubscriptions::held);
    }

    @Override
    public int pending() {
        return sum(ChannelSubscriptions::pending);
    }

    @Override
    public int lingering() {
        return sum(ChannelSubscriptions::lingering);
    }

    private int sum(ToIntFunction<ChannelSubscriptions> count) {
        return all.stream().mapToInt(count).sum();
    }

    /** Ends all connections. */
    void stop() {
        shards.values().forEach(shard -> shard.stop.run());
    }
}
