package dev.sluice.feed;

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
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The channels to which this pod subscribes in a Redis Cluster, in mode {@code sharded}: each on the master of its slot,
 * with one supervised connection for each master that has some. When a slot moves, its channels move to the connection of their new master,
 * and the loss in between is told for exactly these. Confined to the feed's thread unless stated otherwise.
 */
final class Shards implements ShardedChannels {

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

    /** What happens to the connection of one shard. */
    private final class Following implements Events {

        private final Shard shard;
        private final ChannelSubscriptions channels;

        Following(Shard shard) {
            this.shard = shard;
            this.channels = shard.channels();
        }

        @Override
        public void live(Instant from) {
            shard.enter(Shard.State.LIVE);
            open.heard();
            channels.names().forEach(name -> heardAgain(shard, name, from));
            shard.heardUntil(from);
            open.closeLater(shard);
        }

        @Override
        public void proven(Instant until) {
            if (shard.isLive()) {
                shard.heardUntil(until);
            }
        }

        @Override
        public void lost(Instant from) {
            shard.heardUntil(from);
            failed();
        }

        @Override
        public void failed() {
            shard.enter(Shard.State.DOWN);
            // The clients of an attempt that failed may have been answered.
            channels.names().forEach(name -> losses.begin(name, shard.since()));
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
                        losses.begin(name, shard.isLive() ? time.now() : shard.since());
                        channels.move(name, homeless);
                    });
            topologies.refresh();
        }

        @Override
        public void ended(String channel) {
            if (channels.has(channel)) {
                // Its new master may have been serving it for a moment.
                losses.begin(channel, shard.since().minus(margin));
                channels.move(channel, homeless);
            }
            topologies.refresh();
        }
    }

    private final ChannelSubscriptions.Bounds bounds;
    private final Time time;
    private final Executor thread;
    private final Duration margin;
    private final ChannelLosses losses;
    private final TopologyWatch topologies;
    private final OpenShards open;
    private @Nullable Cluster cluster;

    /** The channels without a connection, because their slot is moving. */
    private final ChannelSubscriptions homeless;

    private Consumer<String> onUnsubscribed = name -> {};
    private Consumer<String> onCounted = name -> {};
    private BiConsumer<CountedChannels, String> onLeft = (channels, name) -> {};
    private Consumer<CountedChannels> onDisconnected = channels -> {};
    private @Nullable ClusterTopology topology;

    /** How many masters were tried before one was heard. */
    private int tried;

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
            Consumer<ChannelLoss> onLoss,
            Consumer<ForgottenLoss> onForgotten,
            Consumer<Interruption> onInterruption) {
        this.bounds = bounds;
        this.time = time;
        this.thread = thread;
        this.margin = margin;
        this.losses = new ChannelLosses(onLoss, onForgotten, onInterruption, time);
        this.topologies = new TopologyWatch(
                time, then -> Objects.requireNonNull(cluster).ask(then), this::follow, this::isUnsettled);
        this.open = new OpenShards(maxShards, bounds.linger(), time, this::shard, this::connect);
        this.homeless = subscriptions();
        tell(homeless, () -> {});
    }

    private ChannelSubscriptions subscriptions() {
        return new ChannelSubscriptions(bounds, time, thread);
    }

    private Shard shard(Master master) {
        ChannelSubscriptions channels = subscriptions();
        Shard made = new Shard(master, channels, time);
        tell(channels, () -> open.closeLater(made));
        channels.whenHeld(name -> heardAgain(made, name, time.now()));
        return made;
    }

    private Runnable connect(Shard shard) {
        return Objects.requireNonNull(cluster).connect(shard::master, shard.channels(), new Following(shard));
    }

    /** @param left run at the end of each subscription */
    private void tell(ChannelSubscriptions made, Runnable left) {
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
        made.whenCounted(name -> onCounted.accept(name));
        made.whenLeft(name -> onLeft.accept(made, name));
        made.whenDisconnected(() -> onDisconnected.accept(made));
    }

    private static int slot(String name) {
        return HashSlot.of(name.getBytes(StandardCharsets.UTF_8));
    }

    /** Ends the loss of a channel that its shard hears again. */
    private void heardAgain(Shard shard, String name, Instant from) {
        if (shard.isLive() && shard.channels().holds(name)) {
            losses.end(name, from);
        }
    }

    /** See {@link OpenShards#hear}. */
    boolean hear() {
        return open.hear();
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
        return !homeless.names().isEmpty() || open.all().stream().anyMatch(shard -> !shard.isLive());
    }

    private void follow(ClusterTopology told) {
        if (open.haveStopped()) {
            return;
        }
        boolean changed = !told.equals(topology);
        topology = told;
        Map<String, Master> masters = new HashMap<>();
        told.masters().forEach(master -> masters.put(master.id(), master));
        List<Shard> gone = open.removeAllBut(masters);
        if (!open.haveHeard()
                && !told.masters().isEmpty()
                && open.all().stream().allMatch(Shard::isDown)) {
            open.open(told.masters().get(tried++ % told.masters().size()));
        }
        for (Shard shard : gone) {
            Instant since = shard.since().minus(margin);
            open.end(shard);
            for (String name : shard.channels().names()) {
                losses.begin(name, since);
                shard.channels().move(name, home(told, name));
            }
        }
        if (changed) {
            // There may be very many channels.
            open.all().forEach(shard -> moveAway(shard, told));
        }
        for (String name : homeless.names()) {
            ChannelSubscriptions home = home(told, name);
            if (!home.equals(homeless)) {
                homeless.move(name, home);
            }
        }
        open.closeUnused();
    }

    /** Moves the channels that this shard does not have any more. */
    private void moveAway(Shard shard, ClusterTopology told) {
        ChannelSubscriptions channels = shard.channels();
        for (String name : channels.names()) {
            if (!shard.master().equals(told.of(slot(name)))) {
                losses.begin(name, shard.since().minus(margin));
                // If the topology is stale, this master still sends its publications.
                channels.expel(name, channels.isIdle(name) ? homeless : home(told, name));
            }
        }
    }

    /** Returns where a channel can be subscribed to, on a new connection if need be. */
    private ChannelSubscriptions home(ClusterTopology told, String name) {
        Master master = told.of(slot(name));
        Shard shard = master == null ? null : open.open(master);
        if (shard == null) {
            return homeless;
        }
        shard.use(time.nanos());
        return shard.channels();
    }

    /** Returns where a channel is, if it is subscribed to. */
    private ChannelSubscriptions place(String name) {
        ClusterTopology told = topology;
        Master master = told == null || homeless.has(name) ? null : told.of(slot(name));
        Shard shard = master == null ? null : open.get(master);
        return shard == null ? homeless : shard.channels();
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
    public void whenCounted(Consumer<String> action) {
        onCounted = action;
    }

    @Override
    public void whenLeft(BiConsumer<CountedChannels, String> action) {
        onLeft = action;
    }

    @Override
    public void whenDisconnected(Consumer<CountedChannels> action) {
        onDisconnected = action;
    }

    @Override
    public void later(Runnable task) {
        thread.execute(task);
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
            parts.forEach((place, part) -> place.request(part, counts, joined));
        });
    }

    @Override
    public @Nullable Instant lossSince(String name) {
        return losses.since(name);
    }

    private int wanted() {
        return sum(places -> places.subscribed() + places.pending());
    }

    /** See {@link OpenShards#count}. */
    long links(boolean live) {
        return open.count(live);
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
        return count.applyAsInt(homeless)
                + open.all().stream()
                        .mapToInt(shard -> count.applyAsInt(shard.channels()))
                        .sum();
    }

    /** Ends all connections, and makes no more. */
    void stop() {
        open.stop();
    }
}
