package dev.sluice.registry;

import static dev.sluice.registry.RegistryTest.upload;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Position;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.Watermark;
import dev.sluice.registry.LoopListeners.Listener;
import dev.sluice.route.Channel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ListenerIndexTest {

    private static final int ROUNDS = 20_000;

    private final Channel channel = upload("42");
    private final Loop loop = new Loop(0, Runnable::run);
    private final LoopListeners listeners = new LoopListeners(channel, new LoopChanges(loop, empty -> true));

    @Test
    void publicationDeliveredDuringTheJoinIsNotRepeated() {
        Connection connection = connection();
        Listener joining = new Listener(connection, 1);
        listeners.add(joining);
        assertThat(deliver(2)).isEqualTo(1);
        joining.newestBefore(2);
        assertThat(listeners.skipToRetained(connection, 2, 0)).isFalse();
        assertThat(listeners.skipToRetained(connection, 3, 3))
                .as("a later one that the loop dropped")
                .isTrue();
    }

    @Test
    void joiningConnectionGetsASkippedPublicationOnRequest() {
        Connection one = connection();
        Connection two = connection();
        listeners.add(new Listener(one, 2));
        assertThat(listeners.skipToRetained(one, 2, 0)).isTrue();
        listeners.add(new Listener(two, 2));
        assertThat(deliver(2)).isZero();
        assertThat(listeners.skipToRetained(two, 2, 0)).isTrue();
    }

    @Test
    void suspendedConnectionReceivesNothingUntilItResumes() {
        Connection connection = connection();
        listeners.add(new Listener(connection, 0));
        Position start = Position.parse("1-2.16777216.3");

        listeners.suspend(connection);
        assertThat(deliver(batch(start, 1, 2))).isZero();
        listeners.resume(connection, watermark(start, 4, 0));
        assertThat(deliver(batch(start, 3, 4))).isZero();

        List<Long> heard = new ArrayList<>();
        listeners.deliver(batch(start, 4, 5, 6), false, (run, count) -> {
            for (int i = 0; count > 0 && i < run.count(); i++) {
                heard.add(run.get(i).sequence());
            }
        });
        assertThat(heard).containsExactly(5L, 6L);
        assertThat(deliver(batch(start, 7))).isEqualTo(1);
    }

    @Test
    void deliveryDoesNotWalkDeferralsThatWereReplaced() {
        Queue<Runnable> tasks = new ArrayDeque<>();
        LoopListeners queued = new LoopListeners(channel, new LoopChanges(new Loop(0, tasks::add), empty -> true));
        Connection connection = connection();
        queued.add(new Listener(connection, 0));
        AtomicInteger runs = new AtomicInteger();
        Deferral first = Objects.requireNonNull(queued.defer(connection));
        Deferral second = Objects.requireNonNull(queued.defer(connection));
        first.execute(runs::incrementAndGet);
        queued.deliver(batch(Position.parse("1-2.16777216.3"), 1), false, (run, count) -> {});
        assertThat(runs).hasValue(0);
        assertThat(second.lasts()).isTrue();
        tasks.forEach(Runnable::run);
        assertThat(runs).as("the replaced one still acts by itself").hasValue(1);
    }

    @Test
    void resumedConnectionReceivesPublicationsWithoutPositionOrOfALaterEra() {
        Connection connection = connection();
        listeners.add(new Listener(connection, 0));
        Position start = Position.parse("1-2.16777216.3");

        listeners.suspend(connection);
        listeners.resume(connection, watermark(start, 9, 0));
        assertThat(deliver(batch(Position.parse("5-5.16777216.3"), 1))).isEqualTo(1);

        listeners.suspend(connection);
        listeners.resume(connection, watermark(start, 9, 0));
        assertThat(deliver(2)).isEqualTo(1);

        listeners.suspend(connection);
        listeners.resume(connection, null);
        assertThat(deliver(batch(start, 3))).isEqualTo(1);
    }

    @Test
    void resumedConnectionSkipsPublicationsFromBeforeThisPodCountedInTheEra() {
        Connection connection = connection();
        listeners.add(new Listener(connection, 0));
        Position start = Position.parse("5-5.16777216.3");

        listeners.suspend(connection);
        listeners.resume(connection, watermark(start, 9, 4));
        assertThat(deliver(1)).as("without a position").isZero();
        assertThat(deliver(batch(Position.parse("1-2.33554432.3"), 2, 3)))
                .as("of an earlier era")
                .isZero();
        assertThat(deliver(batch(start, 4, 9))).isZero();
        assertThat(deliver(batch(start, 10))).isEqualTo(1);
    }

    @Test
    void channelOfAStreamHasListenersWhenItIsReportedAsWanted() {
        ListenerIndex index = new ListenerIndex();
        Channel stream = RegistryTest.channel("log:7");
        List<Boolean> listened = new ArrayList<>();
        index.whenWanted(wanted -> listened.add(index.of(wanted) != null));
        index.join(connection(), stream);
        index.join(connection(), stream);
        index.join(connection(), channel);
        assertThat(listened).containsExactly(true);
    }

    @Test
    void connectionsJoinAndLeaveInAnyOrder() {
        SplittableRandom random = new SplittableRandom(1);
        List<Connection> expected = new ArrayList<>();
        for (int round = 0; round < 5_000; round++) {
            // Grows beyond the size at which the map is used, and shrinks again.
            boolean growing = round / 500 % 2 == 0;
            if (expected.isEmpty() || random.nextInt(10) < (growing ? 8 : 2)) {
                Connection joining = connection();
                listeners.add(new Listener(joining, 0));
                expected.add(joining);
            } else {
                Connection leaving = expected.remove(random.nextInt(expected.size()));
                listeners.remove(leaving);
                listeners.remove(leaving);
            }
            assertThat(listeners.isEmpty()).isEqualTo(expected.isEmpty());
            if (round % 100 == 0) {
                assertThat(listeners.connections()).containsExactlyInAnyOrderElementsOf(expected);
                assertThat(deliver(round + 1)).isEqualTo(expected.size());
            }
        }
    }

    @Test
    void connectionThatJoinsWhileTheLastOneLeavesIsKept() throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Loop own = new Loop(0, thread);
            ListenerIndex index = new ListenerIndex();
            Connection leaving = RegistryTest.connection("7", own, event -> {});
            Connection joining = RegistryTest.connection("8", own, event -> {});
            int lost = 0;
            for (int round = 0; round < ROUNDS / 4; round++) {
                index.join(leaving, channel);
                index.leave(leaving, channel);
                for (int spin = round % 256; spin > 0; spin--) {
                    Thread.onSpinWait();
                }
                index.join(joining, channel);
                // The listeners to which the publishing thread would hand the batch.
                ChannelListeners published = Objects.requireNonNull(index.of(channel));
                CountDownLatch delivered = new CountDownLatch(1);
                AtomicInteger receivers = new AtomicInteger();
                own.execute(() -> {
                    published.forEachLoop(
                            ofLoop -> receivers.addAndGet(ofLoop.deliver(run(1), false, (batch, count) -> {})));
                    delivered.countDown();
                });
                assertThat(delivered.await(60, TimeUnit.SECONDS)).isTrue();
                lost += 1 - receivers.get();
                index.leave(joining, channel);
            }
            assertThat(lost).isZero();
            thread.submit(() -> {}).get(60, TimeUnit.SECONDS);
            assertThat(index.isEmpty()).isTrue();
        } finally {
            thread.shutdownNow();
        }
    }

    @Test
    void joiningConnectionGetsAMissedPublicationOnRequest() throws InterruptedException {
        Connection connection = connection();
        ListenerIndex[] rounds = new ListenerIndex[ROUNDS];
        boolean[] found = new boolean[ROUNDS];
        AtomicInteger begun = new AtomicInteger(-1);
        AtomicInteger published = new AtomicInteger(-1);
        Thread publisher = new Thread(() -> {
            for (int i = 0; i < ROUNDS; i++) {
                while (begun.get() < i) {
                    Thread.onSpinWait();
                }
                for (int spin = i % 64; spin > 0; spin--) {
                    Thread.onSpinWait();
                }
                rounds[i].publishing(1);
                found[i] = rounds[i].of(channel) != null;
                published.set(i);
            }
        });
        publisher.start();
        int lost = 0;
        for (int i = 0; i < ROUNDS; i++) {
            ListenerIndex listeners = new ListenerIndex();
            rounds[i] = listeners;
            begun.set(i);
            listeners.join(connection, channel);
            while (published.get() < i) {
                Thread.onSpinWait();
            }
            if (!found[i] && !listeners.skipToRetained(connection, channel, 1, 0)) {
                lost++;
            }
            rounds[i] = null;
        }
        publisher.join();
        assertThat(lost).isZero();
    }

    private int deliver(long sequence) {
        return deliver(run(sequence));
    }

    private int deliver(PublicationBatch batch) {
        return listeners.deliver(batch, false, (run, count) -> {});
    }

    /** Returns publications with sequence numbers from the start position. */
    private PublicationBatch batch(Position start, int... sequences) {
        PublicationBatch batch = null;
        for (int sequence : sequences) {
            Payload payload = new Payload(sequence, start.plus(sequence), new byte[] {'a'}, true, 0);
            if (batch == null) {
                batch = new PublicationBatch(channel, payload);
            } else {
                batch.add(payload);
            }
        }
        return Objects.requireNonNull(batch);
    }

    private static Watermark watermark(Position start, int messages, long started) {
        return new Watermark(Objects.requireNonNull(start.plus(messages)), started);
    }

    private PublicationBatch run(long sequence) {
        return new PublicationBatch(channel, new Payload(sequence, null, new byte[] {'a'}, true, 0));
    }

    private Connection connection() {
        return RegistryTest.connection("7", loop, event -> {});
    }
}
