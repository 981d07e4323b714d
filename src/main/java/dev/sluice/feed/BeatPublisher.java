package dev.sluice.feed;

import dev.sluice.redis.MasterCheck;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import org.jspecify.annotations.Nullable;

/** Publishes beats on its own connection, which is made like those of other publishers. */
final class BeatPublisher implements BeatConnection {

    /** Who hears the beats. */
    enum Kind {
        ALL,
        /** Subscribers on a shard of a Redis Cluster. */
        SHARD
    }

    private final Redis client;
    private final String channel;
    private final Command command;
    private final Context context;
    private final Listener listener;
    private volatile @Nullable String clockChannel;
    private @Nullable RedisConnection connection;

    /**
     * Starts to connect to a server that must be a master: one that has become a replica accepts subscriptions and publications of
     * its shard, but those of the new master may not reach it.
     *
     * @param client used by this publisher alone; closed with it, because nothing else ends a connection attempt that hangs
     * @param ticks the clock's channel, {@code null} where the subscription publishes ticks itself
     * @param context where the listener is called
     */
    BeatPublisher(
            Redis client, String channel, Kind kind, @Nullable ClockChannel ticks, Context context, Listener listener) {
        this.client = client;
        this.channel = channel;
        this.command = kind == Kind.SHARD ? Command.SPUBLISH : Command.PUBLISH;
        this.context = context;
        this.listener = listener;
        client.connect()
                .onSuccess(made -> made.endHandler(end -> ended(null)).exceptionHandler(this::ended))
                .compose(made -> kind == Kind.SHARD ? MasterCheck.checkNode(made) : MasterCheck.check(made))
                .compose(made -> ticks == null
                        ? Future.succeededFuture(made)
                        : ticks.ofServer(made).map(name -> {
                            clockChannel = name;
                            return made;
                        }))
                .onSuccess(made -> context.runOnContext(x -> {
                    connection = made;
                    listener.connected();
                }))
                .onFailure(this::ended);
    }

    @Override
    public void publish(long number) {
        publish(channel, Long.toString(number));
    }

    @Override
    public void tick(String text) {
        if (clockChannel != null) {
            publish(clockChannel, text);
        }
    }

    private void publish(String name, String text) {
        if (connection != null) {
            connection.send(Request.cmd(command).arg(name).arg(text)).onFailure(this::ended);
        }
    }

    @Override
    public void close() {
        client.close();
    }

    private void ended(@Nullable Throwable cause) {
        context.runOnContext(x -> listener.ended(cause));
    }
}
