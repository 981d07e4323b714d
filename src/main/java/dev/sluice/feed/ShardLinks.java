package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.redis.ClusterNodes;
import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Keeps subscriptions to masters of a Redis Cluster open. Confined to the feed's thread. */
final class ShardLinks implements Shards.Cluster {

    private static final Logger LOG = Logger.getLogger(ShardLinks.class);

    /** The topology is asked for in each such period; after so many with the same slots, clocks follow them. */
    private static final int SETTLED = 2;

    private final ClusterNodes nodes;
    private final Vertx vertx;
    private final Context context;
    private final List<String> prefixes;
    private final ClockChannel clock;
    private final int maxPayload;
    private final Consumer<Batch> published;
    private final FeedMeters meters;
    private final Supplier<Backoff> backoff;
    private final Supervisor.Timing timing;
    private final LogThrottle uncounted = new LogThrottle();
    private final Set<Supervisor> supervisors = new HashSet<>();
    private boolean paused;
    private boolean warned;

    /**
     * Creates it without connecting.
     *
     * @param context where everything is called
     * @param prefixes those of the channels to hear
     * @param clock the channel of ticks
     * @param maxPayload in bytes; larger payloads are left out of publications
     */
    ShardLinks(
            ClusterNodes nodes,
            Vertx vertx,
            Context context,
            List<String> prefixes,
            ClockChannel clock,
            int maxPayload,
            Consumer<Batch> published,
            FeedMeters meters,
            Supplier<Backoff> backoff,
            Supervisor.Timing timing) {
        this.nodes = nodes;
        this.vertx = vertx;
        this.context = context;
        this.prefixes = prefixes;
        this.clock = clock;
        this.maxPayload = maxPayload;
        this.published = published;
        this.meters = meters;
        this.backoff = backoff;
        this.timing = timing;
    }

    @Override
    public void ask(Consumer<@Nullable ClusterTopology> then) {
        nodes.ask().onComplete(asked -> context.runOnContext(x -> then.accept(asked.result())));
    }

    @Override
    public Runnable connect(Supplier<Master> master, ChannelSubscriptions channels, Shards.Events events) {
        FeedListener listener = new Link(channels, events);
        Time time = new ContextTime(vertx, context);
        Supervisor supervisor = new Supervisor(
                life -> {
                    QuorumWatch quorum = new QuorumWatch(time, this::warn);
                    return new ShardSubscription(
                            master,
                            new MasterClients(master.get(), quorum),
                            prefixes,
                            clock,
                            maxPayload,
                            channels,
                            events,
                            timing.reconnect().multipliedBy(SETTLED),
                            time,
                            uncounted,
                            quorum,
                            context,
                            life);
                },
                listener,
                backoff.get(),
                timing,
                time,
                () -> "Redis, master " + master.get().address());
        supervisors.add(supervisor);
        supervisor.pause(paused);
        supervisor.start();
        return () -> {
            supervisors.remove(supervisor);
            supervisor.stop();
        };
    }

    private void warn() {
        if (!warned) {
            warned = true;
            LOG.warn(
                    "Redis refuses CLUSTER NODES. A pod that is cut off together with one master would miss publications without"
                            + " a gap. Grant +cluster|nodes, or set cluster-allow-pubsubshard-when-down no");
        }
    }

    void pause(boolean pause) {
        paused = pause;
        supervisors.forEach(supervisor -> supervisor.pause(pause));
    }

    private final class MasterClients implements RedisSubscription.Clients {

        private final Master master;
        private final QuorumWatch quorum;

        MasterClients(Master master, QuorumWatch quorum) {
            this.master = master;
            this.quorum = quorum;
        }

        @Override
        public Redis subscriber(Consumer<ChannelPipeline> initializer) {
            return client(new DecodingVertx(vertx, initializer));
        }

        @Override
        public BeatConnection beats(
                String channel, @Nullable ClockChannel ticks, Context context, BeatConnection.Listener listener) {
            return new BeatPublisher(client(vertx), channel, null, quorum, context, listener);
        }

        private Redis client(Vertx with) {
            return Redis.createClient(with, nodes.optionsOf(nodes.endpoint(master.address())));
        }
    }

    /** Passes on publications and gaps of one connection. */
    private final class Link implements FeedListener {

        private final ChannelSubscriptions channels;
        private final Shards.Events events;

        Link(ChannelSubscriptions channels, Shards.Events events) {
            this.channels = channels;
            this.events = events;
        }

        @Override
        public void published(Batch batch) {
            published.accept(new Batch(batch.before(), channels, batch.publications()));
        }

        @Override
        public void gap(Gap gap) {
            if (gap.open()) {
                meters.gap();
                events.lost(gap.since());
            } else {
                events.live(Objects.requireNonNull(gap.until()));
            }
        }

        @Override
        public void failed() {
            events.failed();
        }

        @Override
        public void beat(Duration latency) {
            meters.beat(latency);
        }

        @Override
        public void heardUntil(Instant until) {
            events.proven(until);
        }

        @Override
        public void renewal(PathProof.Renewal outcome) {
            meters.renewal(outcome);
        }

        @Override
        public void tick(Ticker.Outcome outcome) {
            meters.tick(outcome);
        }

        @Override
        public void diverged() {}

        @Override
        public void clock(Ticker.State state) {}

        @Override
        public void control(PodMessage message) {}
    }
}
