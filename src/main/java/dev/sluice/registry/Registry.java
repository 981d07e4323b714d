package dev.sluice.registry;

import dev.sluice.config.Scope;
import dev.sluice.config.SluiceConfig;
import dev.sluice.outbox.Watermark;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The connections of this pod, and the channels to which they listen. Thread-safe unless stated otherwise. Changes to
 * one user's connections and subscriptions exclude each other; looking up listeners takes no lock.
 */
@Singleton
public final class Registry {

    private final Routes routes;
    private final Scope scope;
    private final int maxSubscriptions;
    private final int maxConnections;
    private final LingeringSubscriptions lingering;

    // users.compute(user) is the lock for the user's groups. The index is locked inside it, never around it.
    private final Map<String, Group> users = new ConcurrentHashMap<>();
    private final Map<Connection, Group> singles = new ConcurrentHashMap<>();
    private final ListenerIndex listeners = new ListenerIndex();
    private final Map<String, LongAdder> connections = new ConcurrentHashMap<>();
    private final LongAdder subscriptions = new LongAdder();

    @Inject
    Registry(Routes routes, SluiceConfig config, LingeringSubscriptions lingering, MeterRegistry metrics) {
        this(
                routes,
                config.subscriptions().scope(),
                config.limits().subscriptionsPerUser(),
                config.limits().connectionsPerUser(),
                lingering);
        Gauge.builder("sluice.users", users, Map::size)
                .description("Users with at least one connection to this pod")
                .register(metrics);
        Gauge.builder("sluice.subscriptions", subscriptions, LongAdder::sum)
                .description("Subscriptions on this pod")
                .register(metrics);
    }

    Registry(Routes routes, Scope scope, int maxSubscriptions, int maxConnections, LingeringSubscriptions lingering) {
        this.routes = routes;
        this.scope = scope;
        this.maxSubscriptions = maxSubscriptions;
        this.maxConnections = maxConnections;
        this.lingering = lingering;
    }

    /**
     * Adds a connection, which from now on hears its {@link #own} channels; if one of them is a stream, and its client gets no
     * positions, only after {@link #start}. Returns false, and does nothing, if the user has the maximum number of
     * connections. To be called on the connection's loop.
     */
    public boolean add(Connection connection) {
        boolean[] added = {false};
        if (!connection.positioned()
                && own(connection).stream()
                        .anyMatch(channel -> channel.route().source().readsStreams())) {
            connection.waits(true);
        }
        users.compute(connection.user(), (user, known) -> {
            Group group = known == null ? new Group(maxSubscriptions, lingering.newest(user)) : known;
            if (group.count() >= maxConnections) {
                return group;
            }
            added[0] = true;
            count(connection).increment();
            own(connection).forEach(channel -> listeners.join(connection, channel));
            if (isSingle(connection)) {
                Group single = new Group(maxSubscriptions, 0);
                single.connections.add(connection);
                singles.put(connection, single);
                group.addSingle(connection);
            } else {
                group.connections.add(connection);
                // Subscriptions of the user's other connections.
                group.channels().forEach(channel -> listeners.join(connection, channel));
                if (lingering.enabled()) {
                    group.startRestoring();
                }
            }
            return group;
        });
        return added[0];
    }

    /** Starts the delivery of all channels to a connection that waits for it. To be called on the connection's loop. */
    public void start(Connection connection) {
        // Channels that are joined from now on do not wait.
        connection.waits(false);
        channels(connection).forEach(channel -> resume(connection, channel, null));
    }

    /** Whether the user may have one more connection now; {@link #add} may still refuse it. */
    public boolean hasRoomFor(String user) {
        boolean[] room = {true};
        users.computeIfPresent(user, (name, group) -> {
            room[0] = group.count() < maxConnections;
            return group;
        });
        return room[0];
    }

    /**
     * Subscribes the connection, and with scope {@code user} all other connections of its user whose tokens allow it.
     * Idempotent.
     */
    public Subscribed subscribe(Connection connection, Channel channel) {
        Subscribed[] result = {Subscribed.GONE};
        users.computeIfPresent(connection.user(), (user, group) -> {
            Group holder = holder(connection, group);
            if (holder != null) {
                result[0] = subscribe(holder, channel);
            }
            return group;
        });
        return result[0];
    }

    /**
     * Undoes {@link #subscribe}. Idempotent.
     *
     * @return those that no longer hear the channel
     */
    public List<Connection> unsubscribe(Connection connection, Channel channel) {
        List<Connection> left = new ArrayList<>();
        users.computeIfPresent(connection.user(), (user, group) -> {
            Group holder = holder(connection, group);
            if (holder == null) {
                return group;
            }
            boolean held = holder.channels().contains(channel);
            // Only other pods know of subscriptions that have not been restored yet.
            boolean shared = holder.isShared(channel) || !held;
            long stamp = holder.unsubscribe(channel);
            if (held) {
                subscriptions.decrement();
                holder.connections.stream().filter(one -> one.mayHear(channel)).forEach(one -> {
                    listeners.leave(one, channel);
                    left.add(one);
                });
            }
            if (stamp != 0 && holder == group) {
                lingering.unsubscribed(user, channel, stamp, shared);
            }
            return group;
        });
        return left;
    }

    /**
     * Replaces what the connection's own token allows it to hear.
     *
     * @return the channels it heard and no longer hears; a subscription without an allowed connection ends
     */
    public List<Channel> regrant(Connection connection, Predicate<Channel> grants) {
        List<Channel> lost = new ArrayList<>();
        users.computeIfPresent(connection.user(), (user, group) -> {
            Group holder = holder(connection, group);
            if (holder == null) {
                return group;
            }
            Set<Channel> before =
                    holder.channels().stream().filter(connection::mayHear).collect(Collectors.toSet());
            connection.regrant(grants);
            for (Channel channel : holder.channels()) {
                boolean heard = before.contains(channel);
                boolean hears = connection.mayHear(channel);
                if (heard && !hears) {
                    lost.add(channel);
                    listeners.leave(connection, channel);
                } else if (!heard && hears) {
                    listeners.join(connection, channel);
                }
            }
            dropUnheard(holder);
            return group;
        });
        return lost;
    }

    /**
     * Removes a connection, and channels without other listeners. Idempotent; never affects another connection of the
     * user.
     */
    public void remove(Connection connection) {
        users.computeIfPresent(connection.user(), (user, group) -> {
            if (!group.remove(connection)) {
                return group;
            }
            count(connection).decrement();
            own(connection).forEach(channel -> listeners.leave(connection, channel));
            Group single = singles.remove(connection);
            Group holder = single == null ? group : single;
            holder.channels().forEach(channel -> listeners.leave(connection, channel));
            if (!holder.connections.isEmpty() && single == null) {
                dropUnheard(group);
                return group;
            }
            subscriptions.add(-holder.size());
            if (single == null) {
                lingering.keep(user, group.stamps());
                group.clear();
            }
            return group.count() == 0 ? null : group;
        });
    }

    /**
     * Returns the event loops whose connections hear the channel, {@code null} if there are none. A publication that is
     * handed to these loops reaches every connection for which {@link #subscribe} had returned before; connections that
     * join or leave at the same time may receive it or not.
     */
    public @Nullable ChannelListeners listeners(Channel channel) {
        return listeners.of(channel);
    }

    /**
     * Records that a publication with that sequence is about to be retained. To be called before that, and before
     * {@link #listeners}, by the one publishing thread: whether a subscribing connection gets the publication by
     * delivery depends on that order.
     */
    public void publishing(long sequence) {
        listeners.publishing(sequence);
    }

    /**
     * Makes the connection skip publications in the backlog that are older than the retained one with that sequence,
     * which the caller then sends. Does nothing, and returns false, if the connection has received the retained one, or
     * will. To be called on the connection's loop.
     *
     * @param lost publications up to this sequence do not come by themselves, whenever it joined
     */
    public boolean skipToRetained(Connection connection, Channel channel, long sequence, long lost) {
        return listeners.skipToRetained(connection, channel, sequence, lost);
    }

    /**
     * Suspends delivery of the channel to the connection, until {@link #resume}; the connection gets publications of
     * that time from the history. To be called on the connection's loop.
     */
    public void suspend(Connection connection, Channel channel) {
        listeners.suspend(connection, channel);
    }

    /**
     * Ends {@link #suspend}: publications after the point are delivered again. To be called on the connection's
     * loop.
     *
     * @param after {@code null} where everything that is still on its way is for the connection
     */
    public void resume(Connection connection, Channel channel, @Nullable Watermark after) {
        listeners.resume(connection, channel, after);
    }

    /**
     * Stops delivery of a stream's channel to the connection until the deferral ends. To be called on the connection's
     * loop.
     *
     * @return {@code null} if the connection does not hear the channel
     */
    public @Nullable Deferral defer(Connection connection, Channel channel) {
        return listeners.defer(connection, channel);
    }

    /**
     * Calls the action when a channel of a stream has got its first listener, which {@link #listeners} returns by then.
     * The action runs under a lock, and must only pass the channel on.
     */
    public void whenWanted(Consumer<Channel> action) {
        listeners.whenWanted(action);
    }

    /** Tells the observer which channels have listeners, from now on. To be called at the start. */
    public void tell(Demand observer) {
        listeners.tell(observer);
    }

    /** Sets the observer of routes with presence; to be called before connections are added. */
    public void observe(ListeningObserver observer) {
        listeners.observe(observer);
    }

    /**
     * Whether the connection's user lacks a subscription of an earlier connection: there is room for it, and the user
     * has neither subscribed nor, as far as is known, unsubscribed since.
     *
     * @param at when the user asked for it, in milliseconds since 1970
     */
    public boolean lacks(Connection connection, Channel channel, long at) {
        boolean[] lacking = {false};
        users.computeIfPresent(connection.user(), (user, group) -> {
            lacking[0] =
                    holder(connection, group) == group && group.size() < maxSubscriptions && group.lacks(channel, at);
            return group;
        });
        return lacking[0];
    }

    /**
     * Restores a subscription of an earlier connection, for a new connection and all others of its user. Does nothing
     * if the user has the maximum number of subscriptions, or has unsubscribed meanwhile. The caller has checked that
     * the connection may hear the channel.
     *
     * @param at when the user asked for it, in milliseconds since 1970
     * @return whether it was taken over
     */
    public boolean restore(Connection connection, Channel channel, long at) {
        boolean[] restored = {false};
        users.computeIfPresent(connection.user(), (user, group) -> {
            if (holder(connection, group) == group
                    && group.size() < maxSubscriptions
                    && connection.mayHear(channel)
                    && group.restore(channel, at)) {
                restored[0] = true;
                subscriptions.increment();
                group.connections.forEach(one -> listeners.join(one, channel));
            }
            return group;
        });
        return restored[0];
    }

    /**
     * Ends a subscription because the user unsubscribed on another pod, unless the user subscribed here later.
     *
     * @param at when, in milliseconds since 1970
     * @return those that no longer hear the channel
     */
    public List<Connection> unsubscribedElsewhere(String user, Channel channel, long at) {
        List<Connection> left = new ArrayList<>();
        users.computeIfPresent(user, (name, group) -> {
            if (lingering.enabled() && group.end(channel, at)) {
                subscriptions.decrement();
                group.connections.forEach(one -> listeners.leave(one, channel));
                left.addAll(group.connections);
            }
            return group;
        });
        return left;
    }

    /** Returns a connection of the user that was just added, so that subscriptions may be restored to it. */
    public @Nullable Connection restoring(String user) {
        @Nullable Connection[] found = {null};
        users.computeIfPresent(user, (name, group) -> {
            if (group.restoring() && !group.connections.isEmpty()) {
                found[0] = group.connections.get(group.connections.size() - 1);
            }
            return group;
        });
        return found[0];
    }

    /** Returns the user's subscriptions here with their times, for another pod; empty with linger off. */
    public Map<Channel, Long> share(String user) {
        Map<Channel, Long> found = new LinkedHashMap<>();
        users.computeIfPresent(user, (name, group) -> {
            if (lingering.enabled()) {
                found.putAll(group.share());
            }
            return group;
        });
        return found;
    }

    /** Returns the user's connections, each with the channels it hears. */
    public Map<Connection, List<Channel>> connections(String user) {
        Map<Connection, List<Channel>> found = new LinkedHashMap<>();
        users.computeIfPresent(user, (name, group) -> {
            group.all().forEach(connection -> found.put(connection, channels(connection, group)));
            return group;
        });
        return found;
    }

    /**
     * Returns the sequence of the newest publication of the channel that was passed to the connection's outbox since it
     * listens; 0 if there was none. Publications from the history do not count. To be called on the connection's loop.
     */
    public long received(Connection connection, Channel channel) {
        return listeners.received(connection, channel);
    }

    /** Returns the channels to which the connection is subscribed, also those that it may not hear, and since when. */
    public Map<Channel, Instant> subscriptions(Connection connection) {
        Map<Channel, Instant> found = new LinkedHashMap<>();
        users.computeIfPresent(connection.user(), (user, group) -> {
            own(connection).forEach(channel -> found.put(channel, connection.since()));
            Group holder = holder(connection, group);
            if (holder != null) {
                holder.stamps().forEach((channel, at) -> found.put(channel, Instant.ofEpochMilli(at)));
            }
            return group;
        });
        return found;
    }

    /** Returns the channels that the connection hears. */
    public List<Channel> channels(Connection connection) {
        List<Channel> found = new ArrayList<>();
        users.computeIfPresent(connection.user(), (user, group) -> {
            found.addAll(channels(connection, group));
            return group;
        });
        return found;
    }

    private List<Channel> channels(Connection connection, Group group) {
        List<Channel> channels = new ArrayList<>(own(connection));
        Group holder = holder(connection, group);
        if (holder != null) {
            holder.channels().stream().filter(connection::mayHear).forEach(channels::add);
        }
        return channels;
    }

    /** Returns the connections that hear the channel. Takes time for each user of this pod. */
    public List<Connection> hearing(Channel channel) {
        if (listeners(channel) == null) {
            return List.of();
        }
        boolean ofUser = channel.route().audience() == Audience.USER;
        List<Connection> hearing = new ArrayList<>();
        users.keySet()
                .forEach(user -> users.computeIfPresent(user, (name, group) -> {
                    if (!ofUser || routes.ofUser(user).contains(channel)) {
                        group.all().stream()
                                .filter(connection ->
                                        ofUser ? connection.hearsUser() : hears(connection, group, channel))
                                .forEach(hearing::add);
                    }
                    return group;
                }));
        return hearing;
    }

    /**
     * Completes with the connections that hear the channel, when their event loops have answered. Takes time for each
     * of them.
     */
    public CompletableFuture<List<Connection>> listening(Channel channel) {
        ChannelListeners those = listeners(channel);
        List<CompletableFuture<List<Connection>>> loops = new ArrayList<>();
        if (those != null) {
            those.forEachLoop(ofLoop -> {
                CompletableFuture<List<Connection>> answer = new CompletableFuture<>();
                loops.add(answer);
                ofLoop.loop().execute(() -> answer.complete(ofLoop.connections()));
            });
        }
        return CompletableFuture.allOf(loops.toArray(CompletableFuture[]::new))
                .thenApply(done ->
                        loops.stream().flatMap(answer -> answer.join().stream()).toList());
    }

    /** Returns the channels of its user that the connection hears without a subscription. */
    public List<Channel> own(Connection connection) {
        return connection.hearsUser() ? routes.ofUser(connection.user()) : List.of();
    }

    private boolean hears(Connection connection, Group group, Channel channel) {
        Group holder = holder(connection, group);
        return holder != null && holder.channels().contains(channel) && connection.mayHear(channel);
    }

    /** Returns a live view of the connected users. */
    public Set<String> present() {
        return Collections.unmodifiableSet(users.keySet());
    }

    /** Returns how many channels one user, or with scope {@code connection} one connection, may hear. */
    public int maxSubscriptions() {
        return maxSubscriptions;
    }

    /** The number of connections. */
    public long connections() {
        return connections.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** The number of connections with that protocol. */
    public long countSpeaking(String protocol) {
        LongAdder count = connections.get(protocol);
        return count == null ? 0 : count.sum();
    }

    private LongAdder count(Connection connection) {
        return connections.computeIfAbsent(connection.protocol(), x -> new LongAdder());
    }

    /** The number of users. */
    long users() {
        return users.size();
    }

    /** The number of subscriptions. */
    long subscriptions() {
        return subscriptions.sum();
    }

    /** Whether the registry is empty, as it must be when all connections have ended. */
    boolean isEmpty() {
        return users.isEmpty()
                && singles.isEmpty()
                && listeners.isEmpty()
                && connections() == 0
                && subscriptions() == 0;
    }

    // Removes the connection before other observers run.
    void onDisconnected(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE) Disconnected event) {
        remove(event.connection());
    }

    /**
     * Whether the connection has its own subscriptions; a client that resumes subscribes again on its next connection.
     */
    private boolean isSingle(Connection connection) {
        return scope == Scope.CONNECTION || connection.positioned();
    }

    private @Nullable Group holder(Connection connection, Group group) {
        if (isSingle(connection)) {
            return singles.get(connection);
        }
        return group.connections.contains(connection) ? group : null;
    }

    private Subscribed subscribe(Group holder, Channel channel) {
        if (holder.channels().contains(channel)) {
            holder.subscribe(channel);
            return Subscribed.ALREADY;
        }
        if (holder.size() >= maxSubscriptions) {
            // A restored subscription gives way to one that the client requests.
            Channel oldest = holder.oldestRestored();
            if (oldest == null) {
                return Subscribed.TOO_MANY;
            }
            holder.unsubscribe(oldest);
            subscriptions.decrement();
            holder.connections.forEach(connection -> listeners.leave(connection, oldest));
        }
        holder.subscribe(channel);
        subscriptions.increment();
        holder.connections.forEach(connection -> listeners.join(connection, channel));
        return Subscribed.YES;
    }

    private void dropUnheard(Group holder) {
        int before = holder.size();
        holder.dropUnheard();
        subscriptions.add(holder.size() - before);
    }
}
