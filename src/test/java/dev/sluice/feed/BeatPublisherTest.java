package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.redis.NotMasterException;
import io.vertx.core.Context;
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
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Beats prove a path to a master only. */
class BeatPublisherTest {

    private static final String CONNECTED = "connected";

    private final Vertx vertx = Vertx.vertx();
    private final Context context = vertx.getOrCreateContext();
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();
    private final AtomicInteger refusals = new AtomicInteger();
    private volatile Future<Response> contacts = Future.succeededFuture(text(nodes("", "fail")));

    @AfterEach
    void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void nodeThatHasBecomeAReplicaIsRefused() throws Exception {
        connect(true, Future.succeededFuture(role("slave")));
        assertThat(next())
                .isInstanceOf(NotMasterException.class)
                .hasToString(notMaster("this node of the Redis Cluster"));
    }

    @Test
    void replicaIsRefused() throws Exception {
        connect(false, Future.succeededFuture(role("slave")));
        assertThat(next()).isInstanceOf(NotMasterException.class).asString().contains("quarkus.redis.hosts");
    }

    @Test
    void masterIsAccepted() throws Exception {
        connect(true, Future.succeededFuture(role("master")));
        assertThat(next()).isEqualTo(CONNECTED);
    }

    @Test
    void userWithoutTheRightToAskIsAccepted() throws Exception {
        connect(true, Future.failedFuture(ErrorType.create("NOPERM no permissions to run 'role'")));
        assertThat(next()).isEqualTo(CONNECTED);
    }

    @Test
    void masterThatDoesNotReachMostOthersIsRefused() throws Exception {
        contacts = Future.succeededFuture(text(nodes("fail?", "fail?")));
        connect(true, Future.succeededFuture(role("master")));
        assertThat(next()).isInstanceOf(NotMasterException.class).asString().contains("does not reach most others");
    }

    @Test
    void masterIsAskedForItsContactsWithItsBeats() throws Exception {
        BeatPublisher publisher = connect(true, Future.succeededFuture(role("master")));
        assertThat(next()).isEqualTo(CONNECTED);
        contacts = Future.succeededFuture(text(nodes("fail", "fail?")));
        context.runOnContext(x -> publisher.publish(1));
        assertThat(next()).isEqualTo(Command.SPUBLISH);
        assertThat(next()).isInstanceOf(NotMasterException.class);
        assertThat(refusals).hasValue(0);
    }

    @Test
    void masterThatCannotTellYetIsRefused() throws Exception {
        contacts = Future.failedFuture(ErrorType.create("LOADING Redis is loading the dataset in memory"));
        connect(true, Future.succeededFuture(role("master")));
        assertThat(next()).isInstanceOf(ErrorType.class).asString().contains("LOADING");
        assertThat(refusals).hasValue(0);
    }

    @Test
    void masterThatDoesNotTellOfItsContactsIsAcceptedAndAskedOnce() throws Exception {
        contacts = Future.failedFuture(ErrorType.create("NOPERM no permissions to run 'cluster|nodes'"));
        BeatPublisher publisher = connect(true, Future.succeededFuture(role("master")));
        assertThat(next()).isEqualTo(CONNECTED);
        contacts = Future.succeededFuture(text(nodes("fail", "fail")));
        context.runOnContext(x -> publisher.publish(1));
        assertThat(next()).isEqualTo(Command.SPUBLISH);
        assertThat(refusals).hasValue(1);
        assertThat(events).isEmpty();
    }

    /** Returns the reply of a master to CLUSTER NODES, with the states of the others. */
    private static String nodes(String... others) {
        StringBuilder reply = new StringBuilder("a 127.0.0.1:1@2 myself,master - 0 0 1 connected 0-9 [5->-c]\n");
        for (String state : others) {
            reply.append(reply.length() + " 127.0.0.1:3@4 master" + (state.isEmpty() ? "" : "," + state)
                    + " - 0 1000 2 connected 10\n");
        }
        return reply.toString();
    }

    private static Response text(String text) {
        return BulkType.create(Buffer.buffer(text), false);
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

    private BeatPublisher connect(boolean shard, Future<Response> role) {
        RedisConnection connection = fake(RedisConnection.class, (method, argument) -> {
            if (method.equals("send")) {
                Command command = ((Request) Objects.requireNonNull(argument)).command();
                if (command.equals(Command.ROLE)) {
                    return role;
                }
                if (command.equals(Command.CLUSTER)) {
                    return contacts;
                }
                events.add(command);
                return Future.succeededFuture();
            }
            // The handlers are set in a chain.
            return null;
        });
        Redis client = fake(
                Redis.class,
                (method, argument) -> method.equals("connect") ? Future.succeededFuture(connection) : null);
        QuorumWatch quorum = new QuorumWatch(new SimulatedTime(), refusals::incrementAndGet);
        return new BeatPublisher(client, "beats", null, shard ? quorum : null, context, new BeatConnection.Listener() {
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
