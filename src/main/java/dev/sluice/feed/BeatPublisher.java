package dev.sluice.feed;

import dev.sluice.redis.MasterCheck;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A connection that publishes beats, made the way every publisher makes its own. It never comes back. */
final class BeatPublisher {

    private final Redis client;
    private final BiConsumer<BeatPublisher, @Nullable Throwable> ended;
    private volatile @Nullable RedisConnection connection;

    /**
     * One that is being connected.
     *
     * @param client nobody else's; closed with this, because nothing else ends a connection that hangs
     * @param connected told once this can publish, on any thread
     * @param ended told where it can't be connected or has ended, and why, on any thread, any number of times
     */
    BeatPublisher(
            Redis client, Consumer<BeatPublisher> connected, BiConsumer<BeatPublisher, @Nullable Throwable> ended) {
        this.client = client;
        this.ended = ended;
        client.connect()
                .onSuccess(made -> made.endHandler(end -> ended.accept(this, null))
                        .exceptionHandler(failure -> ended.accept(this, failure)))
                .compose(MasterCheck::check)
                .onSuccess(made -> {
                    connection = made;
                    connected.accept(this);
                })
                .onFailure(failure -> ended.accept(this, failure));
    }

    /** Publishes a beat; where that fails this has ended. */
    void publish(String channel, long number) {
        RedisConnection current = connection;
        if (current != null) {
            current.send(Request.cmd(Command.PUBLISH).arg(channel).arg(number))
                    .onFailure(failure -> ended.accept(this, failure));
        }
    }

    /** Idempotent. */
    void close() {
        client.close();
    }
}
