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
import java.util.Iterator;
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
 * with one supervised connection for each master that has some. When a slot moves, its channels move to the connection of their new master,
 * and the loss in between is told for exactly these. Confined to the feed's thread unless stated otherwise.
 */
final class Shards implements WantedChannels {

    /** Opens supervised connections, and asks for the topology. */
    interface Cluster extends TopologyWatch.Source {

        /** Keeps a connection to the master open; returns what ends it. */
        Runnable connect(Supplier<Master> master, ChannelSubscriptions channels, Events events);
    }

    /** What happens to one connection. */
    interface Events {

        /** Everything is heard from the instant on. */
        void live(Instant from);

        /** Everything that was published before the instant has been heard, or told as missed. */
        void proven(Instant until);

        /** Everything was heard until the instant. */
        void lost(Instant since);

        /** An attempt to connect has failed. */
        void failed();

        /** The master has said that it does not serve the slot. */
        void moved(int slot);

        /** The master has ended a subscription by itself. */
        void ended(String channel);
    }

    private enum State {
        /** The first attempt to connect is under way. */
        OPENING,
        LIVE,
        DOWN
    }

    private final class Shard implements Events {

        /** With its present slots. */
        private Master master;

        private final ChannelSubscriptions channels = subscriptions(() -> closeLater(this));
        private Runnable stop = () -> {};
        private volatile State state = State.OPENING;

        /** Until when its channels have been heard for certain. */
        private Instant since = time.now();

        /** When a channel was last wanted or unwanted, in {@link Time#nanos}. */
        private long used = time.nanos();

        private boolean closing;

        Shard(Master master) {
            this.master = master;
            channels.whenHeld(name -> heardAgain(this, name, time.now()));
        }

        boolean isDown() {
            return state == State.DOWN;
        }

        @Override
        public void live(Instant from) {
            state = State.LIVE;
            started = true;
            channels.names().forEach(name -> heardAgain(this, name, from));
            since = from;
            closeLater(this);
        }

        @Override
        public void proven(Instant until) {
            if (state == State.LIVE) {
                since = until;
            }
        }

        @Override
        public void lost(Instant from) {
            since = from;
            failed();
        }

        @Override
        public void failed() {
            state = State.DOWN;
            // The clients of an attempt that failed may have been answered.
            channels.names().forEach(name -> losses.begin(name, since));
            channels.giveUp();
            topologies.refresh();
        }

        @Override
        public void moved(int slot) {
            channels.forgetLeaving(name -> slot(name) == slot);
            channels.names().stream()
                    .filter(name -> slot(name) == slot && channels.hasSent(name))
                    .forEach(name -> {
                        // Its clients are answered now, or were when an earlier connection ended.
                        losses.begin(name, state == State.LIVE ? time.now() : since);
                        channels.move(name, homeless);
                    });
            topologies.refresh();
        }

        @Override
        public void ended(String channel) {
            if (channels.has(channel)) {
                // Its new master may have been serving it for a moment.
                losses.begin(channel, since.minus(margin));
                channels.move(channel, homeless);
            }
            topologies.refresh();
        }
    }

    private static final Logger LOG = Logger.getLogger(Shards.class);

    private final LogThrottle tooMany = new LogThrottle();
    private final ChannelSubscriptions.Bounds bounds;
    private final int maxShards;
    private final Time time;
    private final Executor thread;
    private final Duration margin;
    private final ChannelLosses losses;
    private final TopologyWatch topologies;
    private @Nullable Cluster cluster;

    /** Those with a connection, by the ID of the master. */
    private final Map<String, Shard> shards = new LinkedHashMap<>();

    /** The channels without a connection, because their slot is moving. */
    private final ChannelSubscriptions homeless;

    private Consumer<String> onUnsubscribed = name -> {};
    private @Nullable ClusterTopology topology;
    private volatile boolean started;

    /** How many masters were tried before one was heard. */
    private int tried;

    private boolean stopped;

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
        this.losses = new ChannelLosses(onLoss);
        this.topologies = new TopologyWatch(
                time, then -> Objects.requireNonNull(cluster).ask(then), this::follow, this::isUnsettled);
        this.homeless = subscriptions(() -> {});
    }

    private ChannelSubscriptions subscriptions(Runnable left) {
        ChannelSubscriptions made = new ChannelSubscriptions(bounds, time, thread);
        made.whenUnsubscribed(name -> {
            ChannelSubscriptions place = place(name);
            if (!place.has(name)) {
                losses.forget(name);
            }
            // Otherwise this is the end of an earlier subscription, on a master of which a stale topology told.
            if (!place.holds(name)) {
                onUnsubscribed.accept(name);
            }
            left.run();
        });
        return made;
    }

    private static int slot(String name) {
        return HashSlot.of(name.getBytes(StandardCharsets.UTF_8));
    }

    /** Ends the loss of a channel that its shard hears again. */
    private void heardAgain(Shard shard, String name, Instant from) {
        if (shard.state == State.LIVE && shard.channels.holds(name)) {
            losses.end(name, from);
        }
    }

    /**
     * Whether the pod can hear channels: it has heard a master once, and not all masters of wanted channels are down. May be called
     * by any thread.
     */
    boolean hear() {
        List<Shard> needed = links.stream()
                .filter(shard -> shard.channels.subscribed() + shard.channels.pending() > 0)
                .toList();
        return started && (needed.isEmpty() || !needed.stream().allMatch(Shard::isDown));
    }

    /** Connects to one master, which shows that this pod can subscribe; to others when a client wants their channels. */
    void start(Cluster to) {
        cluster = to;
        refresh();
    }

    /** Asks for the topology, and follows it. */
    void refresh() {
        topologies.refresh();
    }

    private boolean isUnsettled() {
        return !homeless.names().isEmpty() || shards.values().stream().anyMatch(shard -> shard.state != State.LIVE);
    }

    private void follow(ClusterTopology told) {
        if (stopped) {
            return;
        }
        boolean changed = !told.equals(topology);
        topology = told;
        Map<String, Master> masters = new HashMap<>();
        told.masters().forEach(master -> masters.put(master.id(), master));
        List<Shard> gone = new ArrayList<>();
        for (Iterator<Shard> present = shards.values().iterator(); present.hasNext(); ) {
            Shard shard = present.next();
            Master now = masters.get(shard.master.id());
            if (now == null || !now.address().equals(shard.master.address())) {
                present.remove();
                gone.add(shard);
            } else {
                shard.master = now;
            }
        }
        if (!started && !told.masters().isEmpty() && shards.values().stream().allMatch(Shard::isDown)) {
            open(told.masters().get(tried++ % told.masters().size()));
        }
        for (Shard shard : gone) {
            Instant since = shard.since.minus(margin);
            shard.stop.run();
            for (String name : shard.channels.names()) {
                losses.begin(name, since);
                shard.channels.move(name, home(told, name));
            }
        }
        if (changed) {
            // There may be very many channels.
            List.copyOf(shards.values()).forEach(shard -> moveAway(shard, told));
        }
        for (String name : homeless.names()) {
            ChannelSubscriptions home = home(told, name);
            if (!home.equals(homeless)) {
                homeless.move(name, home);
            }
        }
        shards.values().forEach(this::closeLater);
        present();
    }

    /** Moves the channels that this shard does not have any more. */
    private void moveAway(Shard shard, ClusterTopology told) {
        for (String name : shard.channels.names()) {
            if (!shard.master.equals(told.of(slot(name)))) {
                losses.begin(name, shard.since.minus(margin));
                // If the topology is stale, this master still sends its publications.
                shard.channels.expel(name, shard.channels.isIdle(name) ? homeless : home(told, name));
            }
        }
    }

    private void present() {
        links = List.copyOf(shards.values());
        all = Stream.concat(Stream.of(homeless), links.stream().map(shard -> shard.channels))
                .toList();
    }

    /** Returns the connection to a master; {@code null} if there are too many, or this has stopped. */
    private @Nullable Shard open(Master master) {
        Shard known = shards.get(master.id());
        if (known != null || stopped) {
            return known;
        }
        if (shards.size() >= maxShards) {
            shards.values().stream()
                    .filter(shard -> shard.channels.isEmpty())
                    .findFirst()
                    .ifPresent(this::close);
        }
        if (shards.size() >= maxShards) {
            excess();
            return null;
        }
        Shard opened = new Shard(master);
        shards.put(master.id(), opened);
        opened.channels.opens();
        opened.stop = Objects.requireNonNull(cluster).connect(() -> opened.master, opened.channels, opened);
        present();
        return opened;
    }

    private void excess() {
        long count = tooMany.pass();
        if (count > 0) {
            LOG.errorf(
                    "Clients want channels of more masters than sluice.feed.max-shards, which is %d: the channels of the others"
                            + " are not heard, and their clients have a gap",
                    maxShards);
        }
    }

    /** Closes a connection without channels, after the linger of the last one. */
    private void closeLater(Shard shard) {
        if (!started || shard.closing || !shard.channels.isEmpty()) {
            return;
        }
        shard.closing = true;
        time.after(Duration.ofNanos(Math.max(0, unusedUntil(shard) - time.nanos())), () -> {
            shard.closing = false;
            if (unusedUntil(shard) - time.nanos() > 0) {
                closeLater(shard);
            } else if (shard.equals(shards.get(shard.master.id())) && shard.channels.isEmpty()) {
                close(shard);
            }
        });
    }

    private long unusedUntil(Shard shard) {
        return shard.used + bounds.linger().toNanos();
    }

    private void close(Shard shard) {
        shards.remove(shard.master.id());
        shard.stop.run();
        present();
    }

    /** Returns where a channel can be subscribed to, on a new connection if need be. */
    private ChannelSubscriptions home(ClusterTopology told, String name) {
        Master master = told.of(slot(name));
        Shard shard = master == null ? null : open(master);
        if (shard == null) {
            return homeless;
        }
        shard.used = time.nanos();
        return shard.channels;
    }

    /** Returns where a channel is, if it is subscribed to. */
    private ChannelSubscriptions place(String name) {
        ClusterTopology told = topology;
        Master master = told == null || homeless.has(name) ? null : told.of(slot(name));
        Shard shard = master == null ? null : shards.get(master.id());
        return shard == null ? homeless : shard.channels;
    }

    private ChannelSubscriptions openPlace(String name) {
        ClusterTopology told = topology;
        if (told == null || homeless.has(name)) {
            return homeless;
        }
        ChannelSubscriptions home = home(told, name);
        if (home.equals(homeless)) {
            refresh();
        }
        return home;
    }

    @Override
    public void whenUnsubscribed(Consumer<String> action) {
        onUnsubscribed = action;
    }

    @Override
    public void wanted(String name) {
        thread.execute(() -> openPlace(name).want(name));
    }

    @Override
    public void unwanted(String name) {
        thread.execute(() -> {
            if (place(name).has(name)) {
                openPlace(name).drop(name);
            }
        });
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
            // Each may take the connection of an earlier one, which has no channels yet.
            names.forEach(this::openPlace);
            names.forEach(name -> parts.computeIfAbsent(place(name), missing -> new ArrayList<>())
                    .add(name));
            if (parts.containsKey(homeless)) {
                refresh();
            }
            parts.forEach((place, part) -> {
                if (!place.awaits()) {
                    // Answered at once.
                    part.forEach(name -> losses.begin(name, time.now()));
                }
            });
            JoinedShards joined = new JoinedShards(parts.size(), then);
            parts.forEach((place, part) -> place.request(part, false, joined));
        });
    }

    @Override
    public @Nullable Instant lossSince(String name) {
        return losses.since(name);
    }

    private int wanted() {
        return sum(places -> places.subscribed() + places.pending());
    }

    /** The number of connections that are live, or are not. May be called by any thread, for metrics. */
    long links(boolean live) {
        return links.stream()
                .filter(shard -> (shard.state == State.LIVE) == live)
                .count();
    }

    @Override
    public int subscribed() {
        return sum(ChannelSubscriptions::subscribed);
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

    /** Ends all connections, and makes no more. */
    void stop() {
        stopped = true;
        shards.values().forEach(shard -> shard.stop.run());
    }
}
