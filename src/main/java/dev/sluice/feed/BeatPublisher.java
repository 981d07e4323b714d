package dev.sluice.feed;

import dev.sluice.redis.ClusterContacts;
import dev.sluice.redis.MasterCheck;
import dev.sluice.redis.NotMasterException;
import dev.sluice.redis.OptionalCommand;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Publishes beats on its own connection, which is made like those of other publishers. */
final class BeatPublisher implements BeatConnection {

    private final Redis client;
    private final String channel;
    private final Command command;
    private final Context context;
    private final Listener listener;

    /** {@code null} unless it publishes on a shard of a Redis Cluster. */
    private final @Nullable QuorumWatch quorum;

    private boolean refused;
    private volatile @Nullable String clockChannel;
    private @Nullable RedisConnection connection;

    /**
     * Starts to connect to a server that must be a master: one that has become a replica accepts subscriptions and publications of
     * its shard, but those of the new master may not reach it.
     *
     * @param client used by this publisher alone; closed with it, because nothing else ends a connection attempt that hangs
     * @param ticks the clock's channel, {@code null} where the subscription publishes ticks itself
     * @param quorum told by the master of a shard, on which it publishes for subscribers on the shard; otherwise {@code null}
     * @param context where the listener is called
     */
    BeatPublisher(
            Redis client,
            String channel,
            @Nullable ClockChannel ticks,
            @Nullable QuorumWatch quorum,
            Context context,
            Listener listener) {
        this.client = client;
        this.channel = channel;
        this.command = quorum == null ? Command.PUBLISH : Command.SPUBLISH;
        this.quorum = quorum;
        this.context = context;
        this.listener = listener;
        client.connect()
                .onSuccess(made -> made.endHandler(end -> ended(null)).exceptionHandler(this::ended))
                .compose(made -> quorum == null ? MasterCheck.check(made) : MasterCheck.checkNode(made))
                .compose(made -> ticks == null
                        ? Future.succeededFuture(made)
                        : ticks.ofServer(made).map(name -> {
                            clockChannel = name;
                            return made;
                        }))
                .onSuccess(made -> context.runOnContext(x -> {
                    connection = made;
                    if (quorum == null) {
                        listener.connected();
                    } else {
                        ask(made, quorum, listener::connected);
                    }
                }))
                .onFailure(this::ended);
    }

    /** Asks a master whether it is in contact with most others; one that is not may have a successor. */
    private void ask(RedisConnection master, QuorumWatch watch, Runnable then) {
        QuorumWatch.Moment asked = watch.now();
        OptionalCommand.send(master, Request.cmd(Command.CLUSTER).arg("NODES"))
                .map(nodes -> Optional.ofNullable(nodes).map(told -> ClusterContacts.of(told.toString())))
                .onSuccess(told -> context.runOnContext(x -> {
                    if (told.isEmpty()) {
                        refused = true;
                        watch.refused();
                    }
                    if (told.isEmpty() || watch.told(told.get(), asked)) {
                        then.run();
                    } else {
                        listener.ended(NotMasterException.cutOff());
                    }
                }))
                .onFailure(this::ended);
    }

    @Override
    public void publish(long number) {
        if (connection != null && quorum != null && !refused && quorum.isDue()) {
            ask(connection, quorum, () -> {});
        }
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
