package dev.sluice.feed;

import dev.sluice.redis.ClusterTopology;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Publishes beats on one node of a Redis Cluster. */
final class NodePublisher implements NodeConnection {

    private final Redis client;
    private final String host;
    private final String channel;
    private final Context context;
    private final Listener listener;
    private @Nullable RedisConnection connection;

    /**
     * Starts to connect.
     *
     * @param client of this node; used by this publisher alone, and closed with it
     * @param host that of the node
     * @param context where the listener is called
     */
    NodePublisher(Redis client, String host, String channel, Context context, Listener listener) {
        this.client = client;
        this.host = host;
        this.channel = channel;
        this.context = context;
        this.listener = listener;
        client.connect()
                .onSuccess(made -> {
                    made.endHandler(end -> ended(null)).exceptionHandler(this::ended);
                    context.runOnContext(x -> {
                        connection = made;
                        listener.connected();
                    });
                })
                .onFailure(this::ended);
    }

    @Override
    public void publish(long number) {
        send(Request.cmd(Command.PUBLISH).arg(channel).arg(number))
                .onSuccess(receivers -> context.runOnContext(x -> listener.confirmed(number)));
    }

    @Override
    public void ask(Consumer<ClusterTopology> onReply) {
        send(Request.cmd(Command.CLUSTER).arg("SLOTS"))
                .map(slots -> ClusterTopology.of(slots, host))
                .onSuccess(topology -> context.runOnContext(x -> onReply.accept(topology)))
                .onFailure(this::ended);
    }

    private Future<Response> send(Request request) {
        RedisConnection made = connection;
        return made == null
                ? Future.failedFuture("not connected")
                : made.send(request).onFailure(this::ended);
    }

    /** Does nothing: a tick belongs to the subscription's node. */
    @Override
    public void tick(String text) {}

    @Override
    public void close() {
        client.close();
    }

    private void ended(@Nullable Throwable cause) {
        context.runOnContext(x -> listener.ended(cause));
    }
}
