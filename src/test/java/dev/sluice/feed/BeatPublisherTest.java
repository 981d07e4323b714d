package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.redis.NotMasterException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.impl.types.BulkType;
import io.vertx.redis.client.impl.types.ErrorType;
import io.vertx.redis.client.impl.types.MultiType;
import java.lang.reflect.Proxy;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Beats prove a path to a master only. */
class BeatPublisherTest {

    private static final String CONNECTED = "connected";

    private final Vertx vertx = Vertx.vertx();
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

    @AfterEach
    void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void nodeThatHasBecomeAReplicaIsRefused() throws Exception {
        connect(BeatPublisher.Kind.SHARD, Future.succeededFuture(role("slave")));
        assertThat(next())
                .isInstanceOf(NotMasterException.class)
                .hasToString(notMaster("this node of the Redis Cluster"));
    }

    @Test
    void replicaIsRefused() throws Exception {
        connect(BeatPublisher.Kind.ALL, Future.succeededFuture(role("slave")));
        assertThat(next()).isInstanceOf(NotMasterException.class).asString().contains("quarkus.redis.hosts");
    }

    @Test
    void masterIsAccepted() throws Exception {
        connect(BeatPublisher.Kind.SHARD, Future.succeededFuture(role("master")));
        assertThat(next()).isEqualTo(CONNECTED);
    }

    @Test
    void userWithoutTheRightToAskIsAccepted() throws Exception {
        connect(BeatPublisher.Kind.SHARD, Future.failedFuture(ErrorType.create("NOPERM no permissions to run 'role'")));
        assertThat(next()).isEqualTo(CONNECTED);
    }

    private static String notMaster(String who) {
        return NotMasterException.class.getName() + ": " + who + " is a replica now";
    }

    private static Response role(String name) {
        MultiType role = MultiType.create(1, false);
        role.add(BulkType.create(Buffer.buffer(name), false));
        return role;
    }

    private Object next() throws InterruptedException {
        Object event = events.poll(60, TimeUnit.SECONDS);
        assertThat(event).isNotNull();
        return event;
    }

    private void connect(BeatPublisher.Kind kind, Future<Response> role) {
        RedisConnection connection = fake(RedisConnection.class, (method, argument) -> {
            if (method.equals("send")) {
                assertThat(((Request) Objects.requireNonNull(argument)).command())
                        .isEqualTo(Command.ROLE);
                return role;
            }
            // The handlers are set in a chain.
            return null;
        });
        Redis client = fake(
                Redis.class,
                (method, argument) -> method.equals("connect") ? Future.succeededFuture(connection) : null);
        new BeatPublisher(client, "beats", kind, null, vertx.getOrCreateContext(), new BeatConnection.Listener() {
            @Override
            public void connected() {
                events.add(CONNECTED);
            }

            @Override
            public void ended(@Nullable Throwable cause) {
                events.add(cause == null ? "ended" : cause);
            }
        });
    }

    private interface Answer {
        @Nullable
        Object to(String method, @Nullable Object argument);
    }

    /** Returns an object that answers some methods, and returns itself from the others. */
    private static <T> T fake(Class<T> type, Answer answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    Object found = answer.to(method.getName(), arguments == null ? null : arguments[0]);
                    return found == null && method.getReturnType().isInstance(proxy) ? proxy : found;
                }));
    }
}
