package dev.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.feed.Feed;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.Pending;
import dev.sluice.outbox.Wire;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** In the process, because what goes wrong here can't be made to go wrong from outside. */
@QuarkusTest
@TestProfile(RelayTest.Dev.class)
class RelayTest {

    /** For its Redis. */
    public static final class Dev implements QuarkusTestProfile {
        @Override
        public String getConfigProfile() {
            return "dev";
        }
    }

    @Inject
    Feed feed;

    @Inject
    Registry registry;

    @Inject
    ReactiveRedisDataSource redis;

    private final Queue<Frame> heard = new ConcurrentLinkedQueue<>();

    @Test
    void whateverIsThrownWhileDeliveringNeverEndsTheStream() {
        await().atMost(10, TimeUnit.SECONDS).until(feed::live);
        registry.add(connection("error", task -> {
            throw new AssertionError("thrown by the test");
        }));
        registry.add(connection("exception", task -> {
            throw new IllegalStateException("thrown by the test");
        }));
        registry.add(connection("good", Runnable::run));
        for (String user : new String[] {"error", "exception", "good"}) {
            redis.pubsub(String.class).publish("user:" + user, "hello").await().atMost(Duration.ofSeconds(5));
        }
        await().atMost(5, TimeUnit.SECONDS).until(() -> !heard.isEmpty());
        assertThat(heard).singleElement().isInstanceOf(Frame.Text.class);
        assertThat(feed.live()).isTrue();
    }

    private Connection connection(String user, Executor loop) {
        Wire wire = new Wire() {
            @Override
            public void write(Frame frame, Done done) {
                heard.add(frame);
                done.done(null);
            }

            @Override
            public void close(int code, String reason) {}
        };
        return new Connection(
                user, new Outbox(wire, new Pending(new SimpleMeterRegistry()), () -> {}), loop, event -> {});
    }
}
