package dev.sluice.feed;

import dev.sluice.redis.ClusterNodes;
import dev.sluice.redis.ClusterTopology.Master;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A subscription to one node of a Redis Cluster, to which the others pass on their publications. Beats on every master
 * prove that they do.
 */
final class NodeSubscription implements Subscription {

    private static final Logger LOG = Logger.getLogger(NodeSubscription.class);

    private final NodeChoice choice;
    private final Vertx vertx;
    private final Listener listener;
    private final BiFunction<RedisSubscription.Clients, Listener, Subscription> opener;
    private final EchoCount echoes = new EchoCount();
    private @Nullable Subscription subscription;
    private boolean closed;

    /** Whether it ends because of another node than its own. */
    private boolean blameless;

    /**
     * Asks for the nodes, and then subscribes to the chosen one.
     *
     * @param context where the listener is called, and where this must be called
     * @param opener opens the subscription with clients of the chosen node
     */
    NodeSubscription(
            NodeChoice choice,
            Vertx vertx,
            Context context,
            Listener listener,
            BiFunction<RedisSubscription.Clients, Listener, Subscription> opener) {
        this.choice = choice;
        this.vertx = vertx;
        this.listener = listener;
        this.opener = opener;
        choice.nodes()
                .ask()
                .onComplete(asked -> context.runOnContext(x -> {
                    if (asked.failed()) {
                        listener.ended(asked.cause());
                    } else if (!closed) {
                        open(choice.choose(asked.result()));
                    }
                }));
    }

    private void open(Master node) {
        LOG.infof(
                "This pod subscribes to node %s of the Redis Cluster, to which the others pass on their publications",
                node.address());
        subscription = opener.apply(new NodeClients(node), new Counting());
    }

    /** Connects to one node, except for beats. */
    private final class NodeClients implements RedisSubscription.Clients {

        private final ClusterNodes nodes = choice.nodes();
        private final Master node;

        NodeClients(Master node) {
            this.node = node;
        }

        @Override
        public Redis subscriber(Consumer<ChannelPipeline> initializer) {
            return client(new DecodingVertx(vertx, initializer), node);
        }

        @Override
        public boolean areOfNode() {
            return true;
        }

        @Override
        public BeatConnection beats(
                String channel, @Nullable ClockChannel ticks, Context context, BeatConnection.Listener connection) {
            return new NodeBeats(
                    choice,
                    master -> client(vertx, master),
                    channel,
                    echoes,
                    context,
                    connection,
                    ended -> blameless = !ended.id().equals(node.id()));
        }

        private Redis client(Vertx with, Master master) {
            return Redis.createClient(with, nodes.optionsOf(nodes.endpoint(master.address())));
        }
    }

    /** Passes on all events, and beats once all their copies are heard. */
    private final class Counting implements Listener {

        @Override
        public void subscribed() {
            listener.subscribed();
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
            if (echoes.heard(beat)) {
                listener.heard(EchoCount.number(beat));
            }
        }

        @Override
        public void ended(@Nullable Throwable cause) {
            listener.ended(cause);
        }
    }

    @Override
    public void close() {
        if (!closed && !blameless && subscription != null) {
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
    public BeatConnection connectPublisher(BeatConnection.Listener connection) {
        if (subscription == null) {
            throw new IllegalStateException("not subscribed");
        }
        return subscription.connectPublisher(connection);
    }
}
