package dev.sluice.feed;

import dev.sluice.clock.Era;
import dev.sluice.config.CanaryConfig;
import dev.sluice.config.FeedConfig;
import dev.sluice.config.SluiceConfig;
import dev.sluice.delivery.Source;
import dev.sluice.redis.ClusterNodes;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.arc.InjectableInstance;
import io.quarkus.redis.client.RedisClientName;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.BackPressureStrategy;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import jakarta.enterprise.event.Event;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongConsumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A stream of publications, which continues after each lost Redis connection, and the state of the current
 * subscription.
 */
@Singleton
public final class Feed implements Source {

    /** The channel on which pods send messages to each other. Redis does not say who published a message. */
    public static final String CONTROL = "sluice:control";

    /** The named Redis client whose configuration the subscription uses. */
    static final String CLIENT = "feed";

    private static final Logger LOG = Logger.getLogger(Feed.class);

    private final FeedRedis redis;
    private final Vertx vertx;
    private final FeedConfig config;
    private final Supervisor.Timing timing;
    private final Event<Gap> gaps;
    private final Event<PodMessage> messages;
    private final Event<ChannelLoss> losses;
    private final Event<ForgottenLoss> forgotten;
    private final Event<Interruption> interruptions;
    private final Context context;
    private final FeedMeters meters;

    private final NodeChoice choice = new NodeChoice();

    /** {@code null} without a Redis Cluster. */
    private final @Nullable ClusterNodes nodes;

    /** {@code null} in mode {@code pattern}. */
    private final @Nullable WantedChannels channels;

    /** {@code null} except in mode {@code exact}. */
    private final @Nullable ChannelSubscriptions exact;

    /** {@code null} except in mode {@code sharded}. */
    private final @Nullable Shards shards;

    /** Used on the context only; {@code null} except in mode {@code sharded}. */
    private @Nullable ShardLinks links;

    private final String probeKey = "sluice:streams:" + UUID.randomUUID();
    private volatile Runnable onProbe = () -> {};
    private volatile LongConsumer onBeatFollows = number -> {};
    private volatile LongConsumer onBeatHeard = number -> {};
    private volatile @Nullable Supervisor supervisor;
    private volatile Ticker.State clock = Ticker.State.ABSENT;

    Feed(
            @RedisClientName(CLIENT) InjectableInstance<Redis> configured,
            FeedRedis redis,
            Vertx vertx,
            SluiceConfig config,
            Event<Gap> gaps,
            Event<PodMessage> messages,
            Event<ChannelLoss> losses,
            Event<ForgottenLoss> forgotten,
            Event<Interruption> interruptions,
            MeterRegistry metrics) {
        if (!configured.getHandle().getBean().isActive()) {
            throw new ConfigurationException(
                    "No Redis to listen to: set quarkus.redis.hosts (QUARKUS_REDIS_HOSTS), as in"
                            + " redis://localhost:6379");
        }
        this.redis = redis;
        this.vertx = vertx;
        this.config = config.feed();
        CanaryConfig canary = config.canary();
        this.timing = new Supervisor.Timing(
                this.config.connectTimeout(),
                canary.interval(),
                canary.missedBeats(),
                canary.reconnect(),
                config.clock().interval(),
                switch (this.config.mode()) {
                    case PATTERN -> Era.Kind.COMMON;
                    case EXACT -> Era.Kind.BY_CHANNEL;
                    case SHARDED -> Era.Kind.OF_SHARD;
                });
        this.gaps = gaps;
        this.messages = messages;
        this.losses = losses;
        this.forgotten = forgotten;
        this.interruptions = interruptions;
        // The only context of all callbacks; the constructor may run on any thread.
        this.context = vertx.getOrCreateContext();
        this.meters = new FeedMeters(metrics);
        this.nodes = redis.isCluster() ? redis.nodes(vertx, canary.reconnect()) : null;
        boolean sharded = this.config.mode() == FeedConfig.Mode.SHARDED;
        ClusterSettings.checkMode(this.config.mode(), redis.isCluster());
        ChannelSubscriptions.Bounds bounds = new ChannelSubscriptions.Bounds(
                this.config.maxChannels(), this.config.linger(), this.config.maxLingering());
        Time time = new ContextTime(vertx, context);
        this.exact = this.config.mode() == FeedConfig.Mode.EXACT
                ? new ChannelSubscriptions(bounds, time, this::execute)
                : null;
        this.shards = sharded
                ? new Shards(
                        bounds,
                        this.config.maxShards(),
                        time,
                        this::execute,
                        canary.interval().multipliedBy(canary.missedBeats()),
                        this::lost,
                        this::forgotten,
                        this::interrupted)
                : null;
        this.channels = sharded ? shards : exact;
        meters.measure(channels);
        meters.links(live -> shards == null ? 0L : shards.links(live));
        Gauge.builder("sluice.feed.live", this, feed -> feed.live() ? 1 : 0)
                .description("1 while the subscription to Redis is live")
                .register(metrics);
    }

    /**
     * Returns a stream of the publications on every channel that starts with one of the prefixes and a colon, or on those
     * of them that are among {@link #channels}, in Redis's order. Each item is a read from Redis or a move of the clock. The stream neither completes nor fails.
     * Items are emitted on the event loop that reads Redis, and are dropped while the subscriber has requested none.
     * Each subscriber opens a subscription to Redis, and {@link #live} describes the last one, so there should be one.
     *
     * @param prefixes the wanted ones, and whether the history of each is kept: pods that differ have different clocks
     * @param maxPayload in bytes; larger payloads are left out of publications
     */
    public Multi<Batch> batches(Map<String, Boolean> prefixes, int maxPayload) {
        if (nodes != null) {
            ClusterSettings.checkNoStreams(prefixes.keySet(), keyspace());
        }
        return Multi.createFrom()
                .emitter(subscriber -> supervise(prefixes, maxPayload, subscriber), BackPressureStrategy.DROP);
    }

    /**
     * Returns the channels to which the pod subscribes by name, so that it hears only those; {@code null} if it hears
     * all channels.
     */
    public @Nullable WantedChannels channels() {
        return channels;
    }

    /** Whether the clock is proven, so that publications have positions on which all pods agree. */
    public boolean vouches() {
        return clock == Ticker.State.VOUCHES;
    }

    /** Whether {@link #vouches} is expected to become true soon: other pods publish ticks, or it is not known yet. */
    public boolean awaitsClock() {
        return clock == Ticker.State.AWAITED;
    }

    /** Whether the pod receives everything that is published on the channels that it hears, because its canary messages return. */
    public boolean live() {
        Supervisor current = supervisor;
        return current != null && current.live() && (shards == null || shards.hear());
    }

    /**
     * Whether each channel may have gaps of its own, of which {@link ChannelLoss} tells; then a {@link Gap} is only one of the
     * messages between pods.
     */
    public boolean isSharded() {
        return shards != null;
    }

    /** Returns the current gap; {@code null} while live, and if {@link #isSharded}. The first gap lasts from the start until the feed is live. */
    public @Nullable Gap gap() {
        Supervisor current = supervisor;
        return current == null || shards != null ? null : current.gap();
    }

    /**
     * Returns the reason for the logs why the feed is not live; {@code null} while live, and until the first attempt
     * has failed.
     */
    public @Nullable String reason() {
        Supervisor current = supervisor;
        if (current == null) {
            return null;
        }
        boolean deaf = current.live() && shards != null && !shards.hear();
        return deaf ? "it is connected to no shard of the Redis Cluster" : current.reason();
    }

    /** Returns what precedes a key in the channel on which Redis tells of the key's changes. */
    public String keyspace() {
        return "__keyspace@" + redis.database() + "__:";
    }

    /** Returns the key of this pod, of whose changes {@link #whenProbed} tells if a pattern is of a {@link #keyspace}. */
    public String probeKey() {
        return probeKey;
    }

    /** Calls the action on the source's thread when Redis tells of a change of {@link #probeKey}. */
    public void whenProbed(Runnable action) {
        onProbe = action;
    }

    /**
     * Calls the actions on the source's thread around each beat. Numbers rise until a gap.
     *
     * @param follows called before a beat of that number, or a later one, is published
     * @param heard called after everything that Redis had told this pod before it executed that beat
     */
    public void whenBeating(LongConsumer follows, LongConsumer heard) {
        onBeatFollows = follows;
        onBeatHeard = heard;
    }

    /** Returns the address of Redis for logs, without user and password. */
    public String redis() {
        return redis.endpoints();
    }

    @Override
    public void pause() {
        context.runOnContext(x -> pause(true));
    }

    @Override
    public void resume() {
        context.runOnContext(x -> pause(false));
    }

    @Override
    public void execute(Runnable task) {
        context.runOnContext(x -> task.run());
    }

    @Override
    public void execute(Runnable task, Duration delay) {
        vertx.setTimer(delay.toMillis(), fired -> execute(task));
    }

    private void pause(boolean paused) {
        Supervisor current = supervisor;
        if (current != null) {
            current.pause(paused);
        }
        if (links != null) {
            links.pause(paused);
        }
    }

    private void supervise(Map<String, Boolean> prefixes, int maxPayload, MultiEmitter<? super Batch> subscriber) {
        List<String> streams = prefixes.keySet().stream()
                .filter(prefix -> prefix.startsWith(keyspace()))
                .toList();
        Collection<String> byPattern = channels == null ? prefixes.keySet() : streams;
        List<String> patterns = byPattern.stream().map(prefix -> prefix + ":*").toList();
        List<String> byName = prefixes.keySet().stream()
                .filter(prefix -> !byPattern.contains(prefix))
                .toList();
        ClockChannel clocks = ClockChannel.of(prefixes, maxPayload, timing.kind());
        // Several masters have no common order, but each has its own.
        ClockChannel ticks = shards == null ? clocks : null;
        String probe = streams.isEmpty() ? null : keyspace() + probeKey;
        RedisSubscription.Names names =
                new RedisSubscription.Names(patterns, exact == null ? List.of() : byName, probe, ticks, exact);
        FeedListener listener = new Events(subscriber);
        Supervisor supervised = new Supervisor(
                life -> open(names, maxPayload, listener, life),
                listener,
                backoff(),
                timing,
                new ContextTime(vertx, context));
        supervisor = supervised;
        subscriber.onTermination(() -> execute(supervised::stop));
        execute(supervised::start);
        Shards sharded = shards;
        if (sharded != null) {
            ShardLinks made = new ShardLinks(
                    Objects.requireNonNull(nodes),
                    vertx,
                    context,
                    byName,
                    clocks,
                    maxPayload,
                    subscriber::emit,
                    meters,
                    this::backoff,
                    timing);
            subscriber.onTermination(() -> execute(() -> {
                supervised.stop();
                sharded.stop();
            }));
            execute(() -> {
                links = made;
                sharded.start(made);
                watch(sharded);
            });
        }
    }

    /** Follows changes that break no connection, such as new nodes. */
    private void watch(Shards sharded) {
        execute(
                () -> {
                    sharded.refresh();
                    watch(sharded);
                },
                timing.reconnect());
    }

    private void lost(ChannelLoss loss) {
        fire(losses, loss);
    }

    private void forgotten(ForgottenLoss loss) {
        fire(forgotten, loss);
    }

    private void interrupted(Interruption interruption) {
        fire(interruptions, interruption);
    }

    private static <T> void fire(Event<T> gaps, T gap) {
        try {
            gaps.fire(gap);
        } catch (RuntimeException e) {
            LOG.error("An observer of a gap failed. Please report this bug", e);
        }
    }

    private Subscription open(
            RedisSubscription.Names names, int maxPayload, FeedListener listener, Subscription.Listener life) {
        ClusterNodes cluster = nodes;
        if (cluster == null) {
            return new RedisSubscription(redis.clients(vertx), names, maxPayload, context, listener, life);
        }
        return new NodeSubscription(
                choice,
                new NodeConnections(cluster, vertx, context),
                new ContextTime(vertx, context),
                life,
                (node, clients, heard) -> new RedisSubscription(clients, names, maxPayload, context, listener, heard));
    }

    private Backoff backoff() {
        return new Backoff(
                config.backoff().initial(),
                config.backoff().max(),
                () -> ThreadLocalRandom.current().nextLong());
    }

    private final class Events implements FeedListener {

        private final MultiEmitter<? super Batch> subscriber;

        Events(MultiEmitter<? super Batch> subscriber) {
            this.subscriber = subscriber;
        }

        @Override
        public void published(Batch batch) {
            subscriber.emit(batch);
        }

        @Override
        public void tick(Ticker.Outcome outcome) {
            meters.tick(outcome);
        }

        @Override
        public void diverged() {
            meters.diverged();
        }

        @Override
        public void clock(Ticker.State state) {
            clock = state;
        }

        @Override
        public void control(PodMessage message) {
            try {
                messages.fire(message);
            } catch (RuntimeException e) {
                LOG.error("An observer of a message from a pod failed. Please report this bug", e);
            }
        }

        @Override
        public void gap(Gap gap) {
            if (gap.open()) {
                meters.gap();
            }
            if (shards == null) {
                interrupted(new Interruption(gap.since(), gap.until()));
            }
            fire(gaps, gap);
        }

        @Override
        public void probed() {
            try {
                onProbe.run();
            } catch (RuntimeException e) {
                LOG.error("Handling a notification failed. Please report this bug", e);
            }
        }

        @Override
        public void beat(Duration latency) {
            meters.beat(latency);
        }

        @Override
        public void beatFollows(long number) {
            tell(onBeatFollows, number);
        }

        @Override
        public void beatHeard(long number) {
            tell(onBeatHeard, number);
        }

        private static void tell(LongConsumer action, long number) {
            try {
                action.accept(number);
            } catch (RuntimeException e) {
                LOG.error("Handling a beat failed. Please report this bug", e);
            }
        }

        @Override
        public void renewal(PathProof.Renewal outcome) {
            meters.renewal(outcome);
        }
    }
}
