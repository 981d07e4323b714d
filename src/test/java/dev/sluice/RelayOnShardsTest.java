package dev.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.config.Scope;
import dev.sluice.delivery.HandDrivenSource;
import dev.sluice.delivery.TestDispatchers;
import dev.sluice.feed.Batch;
import dev.sluice.feed.CountedChannels;
import dev.sluice.feed.ShardedChannels;
import dev.sluice.feed.WantedChannels;
import dev.sluice.history.History;
import dev.sluice.history.Recounted;
import dev.sluice.history.TestHistory;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.retain.TestRetention;
import dev.sluice.route.Channel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the relay makes of channels that shards begin and cease to count. */
class RelayOnShardsTest {

    private static final Channel A = TestOutboxFactory.channel("upload:a");
    private static final Channel B = TestOutboxFactory.channel("upload:b");
    private static final Position TICK = Position.of(Era.founded(1, Era.Kind.OF_SHARD, 2), 1, 0, 7);

    private final Queue<Runnable> later = new ArrayDeque<>();
    private final HandDrivenShards shards = new HandDrivenShards();
    private final HandDrivenShard shard = new HandDrivenShard();
    private final List<Collection<Channel>> recounted = new ArrayList<>();
    private final History history = TestHistory.standard();
    private boolean failing;

    private final Consumer<Batch> relay = relay();

    private Consumer<Batch> relay() {
        Registry registry = TestRegistries.with(Scope.CONNECTION);
        Loop loop = new Loop(0, Runnable::run);
        Connection connection = new Connection(
                "7",
                channel -> true,
                TestOutboxFactory.standard().open(new RecordingFrameWriter(), loop, reason -> {}),
                loop,
                ended -> {});
        registry.add(connection);
        registry.subscribe(connection, A);
        registry.subscribe(connection, B);
        return TestRelay.of(
                history,
                TestRetention.with(100),
                registry,
                TestDispatchers.with(new HandDrivenSource(), registry, 1 << 20, lagged -> {}),
                shards,
                this::onRecounted);
    }

    private void onRecounted(Recounted event) {
        recounted.add(event.channels());
        if (failing) {
            throw new IllegalStateException("thrown by the test");
        }
    }

    @Test
    void channelsThatLeaveTogetherAreToldTogether() {
        count(A, B);
        leave(A);
        leave(B);
        assertThat(history.channels(shard)).as("at once").isEmpty();
        assertThat(recounted).isEmpty();
        runLater();
        assertThat(recounted).containsExactly(List.of(A, B));
    }

    @Test
    void channelsThatLeaveAreToldBeforeLaterPublications() {
        count(A, B);
        leave(A);
        relay.accept(new Batch(TICK, shard, new ArrayList<>()));
        assertThat(recounted).containsExactly(List.of(A));
        runLater();
        assertThat(recounted).hasSize(1);
    }

    /** Mutiny would cancel the stream, and say only that it dropped an exception. */
    @Test
    void exceptionThatEndsTheFeedIsLogged() {
        List<String> lines = new ArrayList<>();
        Handler handler = ofThisTest(lines);
        Logger logger = Logger.getLogger(Relay.class.getName());
        logger.addHandler(handler);
        try {
            assertThatThrownBy(() -> relay.accept(new Batch(TICK, shard, new ArrayList<>() {
                        @Override
                        public int size() {
                            throw new IllegalStateException("thrown by the test");
                        }
                    })))
                    .hasMessage("thrown by the test");
        } finally {
            logger.removeHandler(handler);
        }
        assertThat(lines).singleElement().asString().contains("Restart the pod");
    }

    private static Handler ofThisTest(List<String> lines) {
        return new Handler() {
            @Override
            public void publish(LogRecord line) {
                Throwable thrown = line.getThrown();
                if (thrown != null && "thrown by the test".equals(thrown.getMessage())) {
                    lines.add(line.getMessage());
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }

    @Test
    void endOfAConnectionIsToldOnce() {
        count(A, B);
        relay.accept(new Batch(null, shard, new ArrayList<>()));
        assertThat(recounted).hasSize(1);
        assertThat(recounted.get(0)).containsExactlyInAnyOrder(A, B);
        shards.onDisconnected.accept(shard);
        runLater();
        assertThat(recounted).hasSize(1);
        assertThat(history.channels(shard)).isEmpty();
    }

    @Test
    void exceptionsDoNotReachTheFeed() {
        failing = true;
        count(A, B);
        leave(A);
        runLater();
        shards.onDisconnected.accept(shard);
        runLater();
        assertThat(recounted).hasSize(3);
        assertThat(history.channels(shard)).isEmpty();
    }

    private void count(Channel... channels) {
        shard.onTick = () -> List.of(channels).forEach(channel -> shards.onCounted.accept(channel.name()));
        relay.accept(new Batch(TICK, shard, new ArrayList<>()));
        shard.onTick = () -> {};
        assertThat(recounted).as("had listeners before").containsExactly(List.of(channels));
        if (!failing) {
            recounted.clear();
        }
    }

    private void leave(Channel channel) {
        shards.onLeft.accept(shard, channel.name());
    }

    private void runLater() {
        for (Runnable task = later.poll(); task != null; task = later.poll()) {
            task.run();
        }
    }

    /** Calls what the relay has asked for. */
    private final class HandDrivenShards extends NoChannels implements ShardedChannels {

        private Consumer<String> onCounted = name -> {};
        private BiConsumer<CountedChannels, String> onLeft = (channels, name) -> {};
        private Consumer<CountedChannels> onDisconnected = channels -> {};

        @Override
        public void whenCounted(Consumer<String> action) {
            onCounted = action;
        }

        @Override
        public void whenLeft(BiConsumer<CountedChannels, String> action) {
            onLeft = action;
        }

        @Override
        public void whenDisconnected(Consumer<CountedChannels> action) {
            onDisconnected = action;
        }

        @Override
        public void later(Runnable task) {
            later.add(task);
        }
    }

    private static final class HandDrivenShard extends NoChannels implements CountedChannels {

        private Runnable onTick = () -> {};

        @Override
        public void ticked(boolean positions) {
            onTick.run();
        }

        @Override
        public void whenCounted(Consumer<String> action) {}

        @Override
        public void whenDisconnected(Runnable action) {}
    }

    private abstract static class NoChannels implements WantedChannels {

        @Override
        public void whenUnsubscribed(Consumer<String> action) {}

        @Override
        public void wanted(String name) {}

        @Override
        public void unwanted(String name) {}

        @Override
        public void join(Collection<String> names, boolean counts, Consumer<@Nullable Runnable> onReady) {}

        @Override
        public int subscribed() {
            return 0;
        }

        @Override
        public int pending() {
            return 0;
        }

        @Override
        public int lingering() {
            return 0;
        }
    }
}
