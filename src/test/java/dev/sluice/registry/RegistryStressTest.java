package dev.sluice.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.Scope;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connects, subscribes, delivers and disconnects few users and channels from many threads at once. */
class RegistryStressTest {

    private static final int CHURNERS = 6;
    private static final int ROUNDS = 20_000;
    private static final int USERS = 5;
    private static final int CHANNELS = 4;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<ExecutorService> loopThreads =
            List.of(Executors.newSingleThreadExecutor(), Executors.newSingleThreadExecutor());
    private final List<Loop> loops = List.of(new Loop(0, loopThreads.get(0)), new Loop(1, loopThreads.get(1)));
    private final AtomicBoolean churning = new AtomicBoolean(true);

    @AfterEach
    void stop() throws InterruptedException {
        threads.shutdownNow();
        assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        for (ExecutorService loopThread : loopThreads) {
            loopThread.shutdownNow();
            assertThat(loopThread.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(Scope.class)
    void connectionsReceiveEachPublicationOnceAndTheRegistryEndsEmpty(Scope scope) throws Exception {
        Registry registry = new Registry(
                TestOutboxFactory.ROUTES, scope, CHANNELS, Integer.MAX_VALUE, TestRegistries.noLingering());
        Map<Connection, Boolean> removed = new ConcurrentHashMap<>();
        // One connection per user stays and listens to everything.
        List<Connection> staying = new ArrayList<>();
        for (int user = 0; user < USERS; user++) {
            Connection connection = connection(user);
            registry.add(connection);
            for (int channel = 0; channel < CHANNELS; channel++) {
                registry.subscribe(connection, channel(channel));
            }
            staying.add(connection);
        }

        List<Future<?>> churners = new ArrayList<>();
        for (int i = 0; i < CHURNERS; i++) {
            SplittableRandom random = new SplittableRandom(i);
            churners.add(threads.submit(() -> churn(registry, random, removed)));
        }
        AtomicLong publications = new AtomicLong();
        List<Future<?>> publishers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            SplittableRandom random = new SplittableRandom(100 + i);
            publishers.add(threads.submit(() -> {
                while (churning.get()) {
                    publish(registry, random, staying, removed);
                    publications.incrementAndGet();
                }
            }));
        }
        for (Future<?> churner : churners) {
            churner.get(180, TimeUnit.SECONDS);
        }
        churning.set(false);
        for (Future<?> publisher : publishers) {
            publisher.get(60, TimeUnit.SECONDS);
        }

        assertThat(publications.get()).isGreaterThan(100);
        assertThat(registry.connections()).isEqualTo(USERS);
        staying.forEach(registry::remove);
        for (ExecutorService loopThread : loopThreads) {
            loopThread.submit(() -> {}).get(60, TimeUnit.SECONDS);
        }
        assertThat(registry.isEmpty()).isTrue();
    }

    private void churn(Registry registry, SplittableRandom random, Map<Connection, Boolean> removed) {
        List<Connection> mine = new ArrayList<>();
        // The first half of the users keep a connection; those of the others come and go together.
        for (int round = 0; round < ROUNDS; round++) {
            int action = random.nextInt(4);
            if (mine.isEmpty() || (action == 0 && mine.size() < 8)) {
                Connection connection = connection(random.nextInt(2 * USERS));
                registry.add(connection);
                mine.add(connection);
            } else if (action == 1) {
                Connection connection = mine.remove(random.nextInt(mine.size()));
                registry.remove(connection);
                registry.remove(connection);
                removed.put(connection, true);
                assertThat(registry.subscribe(connection, channel(0))).isEqualTo(Subscribed.GONE);
            } else {
                Connection connection = mine.get(random.nextInt(mine.size()));
                Channel channel = channel(random.nextInt(CHANNELS));
                assertThat(registry.subscribe(connection, channel)).isIn(Subscribed.YES, Subscribed.ALREADY);
                if (Integer.parseInt(connection.user().substring(1)) < USERS) {
                    if (round % 16 == 0) {
                        assertThat(hearing(registry, channel)).contains(connection);
                    }
                } else if (action == 2) {
                    registry.unsubscribe(connection, channel);
                }
            }
        }
        mine.forEach(registry::remove);
    }

    private void publish(
            Registry registry, SplittableRandom random, List<Connection> staying, Map<Connection, Boolean> removed) {
        if (random.nextBoolean()) {
            Map<Connection, Boolean> goneBefore = Map.copyOf(removed);
            List<Connection> hearing = hearing(registry, channel(random.nextInt(CHANNELS)));
            assertThat(hearing).doesNotHaveDuplicates().containsAll(staying).noneMatch(goneBefore::containsKey);
            removed.keySet().removeAll(goneBefore.keySet());
        } else {
            int user = random.nextInt(USERS);
            assertThat(hearing(registry, RegistryTest.user("u" + user)))
                    .doesNotHaveDuplicates()
                    .contains(staying.get(user))
                    .allMatch(connection -> connection.user().equals("u" + user));
        }
    }

    /** Returns the connections that a publication reaches now. */
    private List<Connection> hearing(Registry registry, Channel channel) {
        ChannelListeners listeners = registry.listeners(channel);
        List<Connection> hearing = new ArrayList<>();
        if (listeners != null) {
            listeners.forEachLoop(ofLoop -> {
                try {
                    hearing.addAll(loopThreads
                            .get(ofLoop.loop().index())
                            .submit(ofLoop::connections)
                            .get(60, TimeUnit.SECONDS));
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
        }
        return hearing;
    }

    private Connection connection(int user) {
        return RegistryTest.connection(
                "u" + user, loops.get(ThreadLocalRandom.current().nextInt(2)), event -> {});
    }

    private static Channel channel(int number) {
        return RegistryTest.upload("c" + number);
    }
}
