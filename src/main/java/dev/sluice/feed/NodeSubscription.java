package dev.sluice.feed;

import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.Context;
import io.vertx.redis.client.Redis;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A subscription to one node of a Redis Cluster, to which the others pass on their publications. Beats on every master
 * prove that they do.
 */
final class NodeSubscription implements Subscription {

    private static final Logger LOG = Logger.getLogger(NodeSubscription.class);

    /** Connects to nodes of the cluster. */
    interface Cluster {

        /** Asks any node for the topology. One of the actions is called on the feed's thread. */
        void ask(Consumer<ClusterTopology> onReply, Consumer<Throwable> failed);

        /** Returns a client of a node; see {@link RedisSubscription.Clients#subscriber}. */
        Redis subscriber(Master node, Consumer<ChannelPipeline> initializer);

        /** Starts to connect to a node, to publish beats. */
        NodeConnection connect(Master node, String channel, BeatConnection.Listener listener);
    }

    /** Opens the subscription. */
    @FunctionalInterface
    interface Opener {

        /** Starts to connect with clients of the node. */
        Subscription open(Master node, RedisSubscription.Clients clients, Listener listener);
    }

    private final NodeChoice choice;
    private final Cluster cluster;
    private final Time time;
    private final Listener listener;
    private final Opener opener;
    private final MasterWatch watch;
    private @Nullable Subscription subscription;
    private boolean closed;

    /**
     * Asks for the nodes, and then subscribes to the chosen one.
     */
    NodeSubscription(NodeChoice choice, Cluster cluster, Time time, Listener listener, Opener opener) {
        this.choice = choice;
        this.cluster = cluster;
        this.time = time;
        this.listener = listener;
        this.opener = opener;
        this.watch = new MasterWatch(listener::missed);
        cluster.ask(
                topology -> {
                    if (!closed) {
                        open(choice.choose(topology));
                    }
                },
                listener::ended);
    }

    private void open(Master node) {
        LOG.infof(
                "This pod subscribes to node %s of the Redis Cluster, to which the others pass on their publications",
                node.address());
        subscription = opener.open(node, new NodeClients(node), new Counting());
    }

    /** Connects to one node, except for beats. */
    private final class NodeClients implements RedisSubscription.Clients {

        private final Master node;

        NodeClients(Master node) {
            this.node = node;
        }

        @Override
        public Redis subscriber(Consumer<ChannelPipeline> initializer) {
            return cluster.subscriber(node, initializer);
        }

        @Override
        public boolean areOfNode() {
            return true;
        }

        @Override
        public BeatConnection beats(
                String channel, @Nullable ClockChannel ticks, Context context, BeatConnection.Listener connection) {
            return new NodeBeats(
                    node,
                    (master, one) -> cluster.connect(master, channel, one),
                    watch,
                    choice.unreached(),
                    time,
                    connection);
        }
    }

    /** Passes on all events, and beats once all their copies are heard. */
    private final class Counting implements Listener {

        @Override
        public void subscribed() {
            listener.subscribed();
        }

        @Override
        public void awaited() {
            listener.awaited();
        }

        @Override
        public void alone() {
            listener.alone();
        }

        @Override
        public void published(List<Publication> publications) {
            listener.published(publications);
        }

        @Override
        public void ticked(@Nullable String text) {
            listener.ticked(text);
        }

        @Override
        public void heard(long beat) {
            if (watch.heard(beat)) {
                listener.heard(EchoCount.number(beat));
            }
        }

        @Override
        public void missed(Instant since) {
            listener.missed(since);
        }

        @Override
        public void ended(@Nullable Throwable cause) {
            listener.ended(cause);
        }
    }

    @Override
    public void close() {
        if (!closed && subscription != null && !watch.othersFail()) {
            choice.failed();
        }
        closed = true;
        if (subscription != null) {
            subscription.close();
        }
    }

    @Override
    public void pause(boolean paused) {
        if (subscription != null) {
            subscription.pause(paused);
        }
    }

    @Override
    public long messages() {
        return subscription == null ? 0 : subscription.messages();
    }

    @Override
    public boolean tick(String text) {
        return subscription != null && subscription.tick(text);
    }

    @Override
    public boolean hasClock() {
        return subscription != null && subscription.hasClock();
    }

    @Override
    public boolean isStuck(int beats) {
        return subscription != null && subscription.isStuck(beats);
    }

    @Override
    public Instant heardFrom(Instant subscribed, Instant firstBeat) {
        return firstBeat;
    }

    @Override
    public Instant heardUntil(Instant lastBeat) {
        return watch.heardUntil(lastBeat);
    }

    @Override
    public BeatConnection connectPublisher(BeatConnection.Listener connection) {
        if (subscription == null) {
            throw new IllegalStateException("not subscribed");
        }
        return subscription.connectPublisher(connection);
    }
}
