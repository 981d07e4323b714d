package dev.sluice.feed;

import dev.sluice.redis.ClusterNodes;
import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import java.util.function.Consumer;

/** Connections to the nodes of a Redis Cluster, each with a client of its own. */
final class NodeConnections implements NodeSubscription.Cluster {

    private final ClusterNodes nodes;
    private final Vertx vertx;
    private final Context context;

    /** @param context where listeners and actions are called */
    NodeConnections(ClusterNodes nodes, Vertx vertx, Context context) {
        this.nodes = nodes;
        this.vertx = vertx;
        this.context = context;
    }

    @Override
    public void ask(Consumer<ClusterTopology> onReply, Consumer<Throwable> failed) {
        nodes.ask()
                .onComplete(asked -> context.runOnContext(x -> {
                    if (asked.succeeded()) {
                        onReply.accept(asked.result());
                    } else {
                        failed.accept(asked.cause());
                    }
                }));
    }

    @Override
    public Redis subscriber(Master node, Consumer<ChannelPipeline> initializer) {
        return client(new DecodingVertx(vertx, initializer), node);
    }

    @Override
    public NodeConnection connect(Master node, String channel, BeatConnection.Listener listener) {
        return new NodePublisher(client(vertx, node), node.host(), channel, context, listener);
    }

    private Redis client(Vertx with, Master node) {
        return Redis.createClient(with, nodes.optionsOf(nodes.endpoint(node.address())));
    }
}
