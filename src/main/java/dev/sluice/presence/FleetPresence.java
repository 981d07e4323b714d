package dev.sluice.presence;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.config.SluiceConfig;
import dev.sluice.control.Control;
import dev.sluice.control.FleetMessage;
import dev.sluice.feed.Gap;
import dev.sluice.fleet.Fleet;
import dev.sluice.fleet.PodIdentity;
import dev.sluice.log.LimitMeter;
import dev.sluice.registry.Connection;
import dev.sluice.registry.ListeningObserver;
import dev.sluice.registry.Registry;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Connects the view of the fleet with this pod's connections, the other pods and the clock. Does nothing if no route has
 * presence. Its lock is taken inside that of a user in the registry, never around it.
 */
@Startup
@Singleton
final class FleetPresence implements PresenceEvents, ListeningObserver, UserTable.Audience {

    /**
     * Messages of other pods that may wait. A lost one is noticed: its content is asked for again, and a pod that has
     * stopped is silent.
     */
    private static final int MAX_WAITING = 1_000;

    /**
     * Waits for the present users.
     *
     * @param asks whether the client has asked for them, and not only begun to watch
     */
    private record Waiter(Connection connection, Channel channel, boolean asks) {}

    private static final Logger LOG = Logger.getLogger(FleetPresence.class);

    private static final long TICK_MILLIS = 100;

    /** The frames of a tick, some milliseconds of all event loops; one event may exceed it. */
    private static final int FRAMES = 2_000;

    /** The pause between two messages to the other pods. */
    private static final long PAUSE_MILLIS = 25;

    /** Some hundred times what a task takes. */
    private static final long MAX_STOP_MILLIS = 1_000;

    private final Control control;
    private final Registry registry;
    private final Routes routes;
    private final boolean enabled;

    /** Whether Redis counts all subscribers: a node of a Redis Cluster counts only its own. */
    private final boolean counted;

    private final LimitMeter crowded;
    private final LimitMeter tooMany;
    private final Counter joins;
    private final Counter leaves;

    // Under the lock of this.
    private final FleetView view;
    private final UserTable table;
    private final Watchers watchers = new Watchers();
    private final Map<Channel, Map<String, List<Connection>>> local = new HashMap<>();
    private boolean sending;

    private final AtomicInteger waiting = new AtomicInteger();

    /** Not a worker of Vert.x, which tells an event loop of each task that is done, also when the loops have ended. */
    private final ScheduledThreadPoolExecutor thread =
            new ScheduledThreadPoolExecutor(1, FleetPresence::thread, new ThreadPoolExecutor.DiscardPolicy());

    FleetPresence(
            Control control,
            Registry registry,
            Routes routes,
            PodIdentity identity,
            SluiceConfig config,
            @ConfigProperty(name = "quarkus.redis.client-type", defaultValue = "standalone") String clientType,
            MeterRegistry metrics) {
        this.control = control;
        this.registry = registry;
        this.routes = routes;
        this.enabled = config.routes().values().stream()
                .anyMatch(route -> route.presence() && route.audience() == Audience.SUBSCRIBERS);
        this.counted = !clientType.equals("cluster");
        this.crowded = new LimitMeter("presence-users", metrics);
        this.tooMany = new LimitMeter("presence-known", metrics);
        this.joins = events("join", metrics);
        this.leaves = events("leave", metrics);
        this.table = new UserTable(
                config.presence().grace().toNanos(),
                config.presence().maxUsers(),
                config.presence().maxKnown(),
                System::nanoTime,
                this);
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        this.view = new FleetView(
                identity.id(), !control.enabled(), System::nanoTime, this::channel, tooMany::exceeded, table);
        Gauge.builder("sluice.presence.known", this, FleetPresence::known)
                .description("Pairs of a user and a channel that this pod knows of other pods, or in their grace")
                .register(metrics);
    }

    private static Counter events(String kind, MeterRegistry metrics) {
        return Counter.builder("sluice.presence.events")
                .description("Users of whom clients of this pod were told that they joined or left a channel")
                .tag("event", kind)
                .register(metrics);
    }

    void start(@Observes StartupEvent event) {
        if (enabled) {
            if (!control.enabled()) {
                LOG.warn(
                        "Routes have presence=true, but sluice.control.secret is not set: clients see only the users of"
                                + " their own pod, with complete=false. Set the same secret on all pods, also on a single one");
            }
            registry.observe(this);
            after(TICK_MILLIS, this::tick);
        }
    }

    /** Ends before the event loops, to which a task passes frames. */
    void stop(@Observes ShutdownEvent event) throws InterruptedException {
        thread.shutdown();
        if (!thread.awaitTermination(MAX_STOP_MILLIS, TimeUnit.MILLISECONDS)) {
            LOG.warn("Presence did not stop in time");
        }
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "sluice-presence");
        thread.setDaemon(true);
        return thread;
    }

    /** Runs a task on the thread; nothing does once this pod stops. */
    @SuppressWarnings("FutureReturnValueIgnored") // The log has the failure.
    private void after(long millis, Runnable task) {
        thread.schedule(
                () -> {
                    try {
                        task.run();
                    } catch (Throwable e) {
                        LOG.error("Presence failed. Please report this bug", e);
                    }
                },
                millis,
                TimeUnit.MILLISECONDS);
    }

    private synchronized double known() {
        return table.known();
    }

    private @Nullable Channel channel(String name) {
        Channel channel = routes.resolve(name);
        return channel != null && isConcerned(channel) ? channel.compact() : null;
    }

    private static boolean isConcerned(Channel channel) {
        return channel.route().presence() && channel.route().audience() == Audience.SUBSCRIBERS;
    }

    @Override
    public synchronized void joined(Connection connection, Channel channel) {
        if (!isConcerned(channel)) {
            return;
        }
        Channel compact = channel.compact();
        List<Connection> those = local.computeIfAbsent(compact, x -> new HashMap<>())
                .computeIfAbsent(connection.user(), x -> new ArrayList<>(1));
        if (those.contains(connection)) {
            return;
        }
        those.add(connection);
        if (those.size() == 1) {
            view.joined(compact, connection.user());
        }
    }

    @Override
    public synchronized void left(Connection connection, Channel channel) {
        Map<String, List<Connection>> users = local.get(channel);
        List<Connection> those = users == null ? null : users.get(connection.user());
        if (users == null || those == null || !those.remove(connection)) {
            return;
        }
        watchers.remove(connection, channel);
        Channel compact = channel.compact();
        view.cancel(new Waiter(connection, compact, false));
        Runnable asked = view.cancel(new Waiter(connection, compact, true));
        if (asked != null) {
            asked.run();
        }
        if (those.isEmpty()) {
            users.remove(connection.user());
            if (users.isEmpty()) {
                local.remove(channel);
            }
            view.left(compact, connection.user());
        }
    }

    private boolean hears(Connection connection, Channel channel) {
        List<Connection> those = local.getOrDefault(channel, Map.of()).get(connection.user());
        return those != null && those.contains(connection);
    }

    @Override
    public synchronized void watch(
            Connection connection, Channel channel, PresenceFormat format, Consumer<Present> present) {
        if (hears(connection, channel)) {
            watchers.add(connection, channel.compact(), format);
            tellWhenWarm(new Waiter(connection, channel.compact(), false), present, () -> {});
        }
    }

    @Override
    public synchronized boolean present(
            Connection connection, Channel channel, Consumer<Present> present, Runnable left) {
        if (!watchers.has(connection, channel)) {
            return false;
        }
        tellWhenWarm(new Waiter(connection, channel.compact(), true), present, left);
        return true;
    }

    private void tellWhenWarm(Waiter waiter, Consumer<Present> present, Runnable left) {
        Runnable tell = () -> tell(waiter.connection, waiter.channel, present, left);
        if (!view.whenWarm(waiter, tell)) {
            // Incomplete, but a client that asks gets an answer.
            tell.run();
        }
    }

    private void tell(Connection connection, Channel channel, Consumer<Present> present, Runnable left) {
        if (!watchers.has(connection, channel)) {
            connection.loop().execute(left);
            return;
        }
        // So that clients find themselves among the present users.
        table.tellNow(channel, connection.user());
        watchers.send();
        UserTable.Told told = view.told(channel);
        Present users = new Present(told.names(), told.count(), told.complete(), control.enabled());
        connection.loop().execute(() -> present.accept(users));
    }

    @Override
    public int watching(Channel channel) {
        return watchers.count(channel);
    }

    @Override
    public void changed(Channel channel, String user, boolean present) {
        (present ? joins : leaves).increment();
        watchers.changed(channel, user, present);
    }

    @Override
    public void crowded(Channel channel) {
        crowded.exceeded(channel.name());
    }

    @Override
    public void graceless() {
        tooMany.exceeded();
    }

    void onGap(@Observes Gap gap) {
        synchronized (this) {
            view.live(!gap.open());
        }
    }

    /** Left to another thread, because a message has hundreds of users, and publications arrive on this one. */
    void heard(@Observes FleetMessage message) {
        boolean presence = message.command().equals(FleetMessage.PRESENCE);
        if (!enabled || (!presence && !message.command().equals(FleetMessage.LEAVE))) {
            return;
        }
        if (waiting.get() >= MAX_WAITING) {
            tooMany.exceeded();
            return;
        }
        waiting.incrementAndGet();
        after(0, () -> {
            waiting.decrementAndGet();
            hear(message, presence);
        });
    }

    private synchronized void hear(FleetMessage message, boolean presence) {
        if (presence) {
            view.heard(message.content());
        } else {
            view.stopped(message.content().path(Fleet.FROM).asText());
        }
    }

    private void tick() {
        // First, because the ticks go on after a failure.
        after(TICK_MILLIS, this::tick);
        synchronized (this) {
            view.tick(FRAMES);
            watchers.send();
        }
        send();
    }

    private void send() {
        ObjectNode message;
        synchronized (this) {
            message = sending ? null : view.next();
            if (message == null) {
                return;
            }
            sending = true;
        }
        control.tell(FleetMessage.PRESENCE, message).subscribe().with(this::sent, failure -> {
            LOG.debug("Other pods could not be told of present users", failure);
            sent(null);
        });
    }

    /** @param receivers {@code null} if Redis has not confirmed */
    private void sent(@Nullable Long receivers) {
        synchronized (this) {
            sending = false;
            view.sent(receivers != null);
            if (receivers != null && counted) {
                view.counted(receivers);
            }
        }
        // Not on the thread of the connection, because a message takes long to make and to sign.
        after(PAUSE_MILLIS, this::send);
    }
}
