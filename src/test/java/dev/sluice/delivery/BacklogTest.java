package dev.sluice.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.config.Scope;
import dev.sluice.outbox.AcceptingFrameWriter;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.FrameWriter;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.OutboxFactory;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Connection;
import dev.sluice.registry.LoopListeners;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BacklogTest {

    private static final Channel A = TestOutboxFactory.channel("upload:a");

    /** Room for four publications with the longest headers. */
    private static final int MAX_RUN = 4 * (250 + PublicationBatch.maxHeader(A));

    private static final Channel B = TestOutboxFactory.channel("upload:b");
    private static final long MAX_BYTES = 100_000;

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Loop loop = new Loop(0, tasks::add);
    private final Registry registry = TestRegistries.with(Scope.CONNECTION);
    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final RouteMeters meters = new RouteMeters("upload", new SimpleMeterRegistry());
    private final List<Lagged> lags = new ArrayList<>();
    private int drains;
    private long sequence;

    private final Backlog backlog = backlog(MAX_BYTES);

    @BeforeEach
    void listen() {
        join(writer);
    }

    @Test
    void oneReadIsDeliveredInOneTaskAndFlushedOnce() {
        for (int i = 0; i < 100; i++) {
            add(i % 2 == 0 ? A : B);
        }
        assertThat(tasks).as("not before it is handed over").isEmpty();
        backlog.handOver(null);
        assertThat(tasks).hasSize(1);
        assertThat(writer.sent).isEmpty();
        runTasks();
        assertThat(writer.sent).containsExactlyElementsOf(numbers(1, 100));
        assertThat(writer.flushes).isEqualTo(1);
    }

    @Test
    void connectionsAreFlushedOneByOneWithTheLastPublicationsOfATask() {
        List<String> steps = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            join(new Tracing(steps));
        }
        add(A);
        add(B);
        backlog.handOver(null);
        add(A);
        backlog.handOver(null);
        runTasks();
        assertThat(String.join(" ", steps)).isEqualTo("write write write write write flush write flush");
        assertThat(writer.flushes).isEqualTo(1);
    }

    private record Tracing(List<String> steps) implements AcceptingFrameWriter {
        @Override
        public void write(Frame frame) {
            steps.add("write");
        }

        @Override
        public void flush(Done done) {
            steps.add("flush");
            AcceptingFrameWriter.super.flush(done);
        }
    }

    @Test
    void readsBeforeTheLoopRunsShareATask() {
        for (int read = 0; read < 3; read++) {
            add(A);
            add(B);
            backlog.handOver(null);
        }
        assertThat(tasks).hasSize(1);
        runTasks();
        assertThat(writer.sent).containsExactlyElementsOf(numbers(1, 6));
        assertThat(writer.flushes).isEqualTo(1);
        add(A);
        backlog.handOver(null);
        assertThat(tasks).hasSize(1);
    }

    @Test
    void whatFollowsABarrierIsDeliveredAfterTheTasksBeforeIt() {
        List<String> order = new ArrayList<>();
        for (int i = 1; i <= 3; i++) {
            add(A);
            backlog.handOver(at(2 * i));
            Position before = backlog.position(at(2 * i));
            tasks.add(() -> {
                order.add("held after " + writer.sent);
                assertThat(backlog.position(at(1000)))
                        .as("not past the barrier")
                        .isNotEqualTo(at(1000));
            });
            backlog.barrier();
            assertThat(backlog.position(at(2 * i + 1))).isEqualTo(before);
            add(A);
            backlog.handOver(at(2 * i + 1));
            runTasks();
            assertThat(backlog.position(at(2 * i + 1))).isEqualTo(at(2 * i + 1));
        }
        assertThat(order).containsExactly("held after [1]", "held after [1, 2, 3]", "held after [1, 2, 3, 4, 5]");
        assertThat(writer.sent).containsExactlyElementsOf(numbers(1, 6));
    }

    @Test
    void positionDoesNotPassABarrierOfAnIdleLoop() {
        tasks.add(() -> assertThat(backlog.position(at(7))).isNull());
        backlog.barrier();
        runTasks();
        assertThat(backlog.position(at(7))).isEqualTo(at(7));
    }

    @Test
    void positionsOfPublicationsSayNothingOfOthersWhereTheReadHasNone() {
        for (int i = 0; i < 5000; i++) {
            byte[] number = Integer.toString(i).getBytes(StandardCharsets.US_ASCII);
            add(i % 2 == 0 ? A : B, Payload.of(++sequence, at(i), number, System.nanoTime()));
        }
        backlog.handOver(null);
        tasks.remove().run();
        assertThat(writer.sent).as("in the midst of the read").hasSizeBetween(1, 4999);
        assertThat(backlog.position(at(9000))).isNull();
        runTasks();
        assertThat(backlog.position(null)).isNull();
    }

    @Test
    void dropKeepsBarriers() {
        backlog.barrier();
        backlog.drop();
        assertThat(backlog.drained()).isTrue();
        runTasks();
        assertThat(lags).as("nothing was dropped").isEmpty();
        add(A);
        backlog.handOver(null);
        tasks.add(() -> assertThat(lags).isEmpty());
        backlog.barrier();
        add(A);
        backlog.handOver(null);
        backlog.drop();
        assertThat(backlog.bytes()).isZero();
        runTasks();
        assertThat(lags).hasSize(1);
        add(A);
        backlog.handOver(null);
        runTasks();
        assertThat(writer.sent).containsExactly("3");
    }

    @Test
    void reportsTheStartOfABatch() {
        assertThat(add(A)).isTrue();
        assertThat(add(A)).isFalse();
        assertThat(add(B)).isFalse();
        backlog.handOver(null);
        assertThat(add(B)).isTrue();
    }

    @Test
    void onlySuccessivePublicationsOfAChannelFormABatch() {
        for (Channel channel : List.of(A, A, A, B, A, B, B)) {
            add(channel);
        }
        backlog.handOver(null);
        add(B);
        backlog.handOver(null);
        runTasks();
        assertThat(writer.sent).containsExactlyElementsOf(numbers(1, 8));
        assertThat(writer.runs).as("and no two reads").containsExactly(3, 1, 1, 2, 1);
    }

    @Test
    void batchLengthIsBounded() {
        // 250 bytes each, including the WebSocket frame's header and the longest header of v2.
        add(A, 246);
        add(A, 246);
        add(A, 246);
        add(A, 246);
        add(A, 246);
        add(A, 5 * MAX_RUN);
        add(A, 246);
        backlog.handOver(null);
        runTasks();
        assertThat(writer.runs).as("four fill it, and one may be larger alone").containsExactly(4, 1, 1, 1);
        writer.runs.clear();
        for (int i = 0; i < 4; i++) {
            add(A, i == 0 ? 247 : 246);
        }
        backlog.handOver(null);
        runTasks();
        assertThat(writer.runs).as("one byte too much").containsExactly(3, 1);
    }

    @Test
    void otherTasksRunBetweenManyWrites() {
        RecordingFrameWriter second = new RecordingFrameWriter();
        join(second);
        for (int i = 0; i < 5000; i++) {
            add(i % 2 == 0 ? A : B);
        }
        backlog.handOver(null);
        int turns = 0;
        while (!tasks.isEmpty()) {
            assertThat(tasks).hasSize(1);
            int before = writer.sent.size() + second.sent.size();
            tasks.remove().run();
            turns++;
            assertThat(writer.waiting).as("flushed, too").isZero();
            assertThat(writer.sent.size() + second.sent.size() - before).isBetween(1, 4096);
            if (turns == 1) {
                add(A);
                backlog.handOver(null);
            }
        }
        assertThat(turns).isEqualTo(4);
        assertThat(writer.sent).containsExactlyElementsOf(numbers(1, 5001));
        assertThat(second.sent).isEqualTo(writer.sent);
        assertThat(backlog.bytes()).isZero();
    }

    @Test
    void publicationsWithoutListenersAlsoYieldToOtherTasks() {
        LoopListeners gone = listeners(A);
        for (int i = 0; i < 5000; i++) {
            backlog.add(gone, A, payload(MAX_RUN), meters);
        }
        backlog.handOver(null);
        tasks.remove().run();
        assertThat(tasks).hasSize(1);
    }

    @Test
    void batchIsChargedUntilItIsDelivered() {
        long cost = 0;
        for (int read = 0; read < 3; read++) {
            cost = 0;
            for (int i = 0; i < 10; i++) {
                add(A, 100);
                cost += 100 + Frame.OVERHEAD;
            }
            assertThat(backlog.bytes()).as("not yet handed over").isEqualTo(read * cost);
            backlog.handOver(null);
        }
        assertThat(backlog.bytes()).isEqualTo(3 * cost);
        runTasks();
        assertThat(backlog.bytes()).isZero();
    }

    @Test
    void reportsFullAndOnceHalfEmpty() {
        int each = (int) MAX_BYTES / 10;
        for (int i = 1; i <= 12; i++) {
            // One read each, long enough for a task each: publications without listeners take a turn as well.
            add(A, each - Frame.OVERHEAD);
            backlog.handOver(null);
            assertThat(backlog.full()).isEqualTo(i >= 10);
            assertThat(backlog.drained()).isEqualTo(i <= 5);
        }
        runTasks();
        assertThat(drains).isEqualTo(1);
        assertThat(backlog.full()).isFalse();
        assertThat(backlog.drained()).isTrue();
        add(A);
        backlog.handOver(null);
        runTasks();
        assertThat(drains).as("it was not above half").isEqualTo(1);
    }

    @Test
    void boundOfOneByteStillAllowsOneRead() {
        Backlog tight = backlog(1);
        assertThat(tight.drained()).isTrue();
        tight.add(listeners(A), A, payload(10), meters);
        tight.handOver(null);
        assertThat(tight.full()).isTrue();
        assertThat(tight.drained()).isFalse();
        runTasks();
        assertThat(drains).isEqualTo(1);
        assertThat(tight.drained()).isTrue();
    }

    @Test
    void dropIsReportedBeforeNewerPublications() {
        tick();
        Instant beforeOldest = Instant.now();
        add(A);
        backlog.handOver(null);
        tick();
        Instant afterOldest = Instant.now();
        add(B);
        backlog.handOver(null);
        backlog.drop();
        assertThat(backlog.bytes()).isZero();
        assertThat(backlog.drained()).isTrue();
        tick();
        Instant beforeNewest = Instant.now();
        add(A);
        backlog.handOver(null);
        assertThat(backlog.bytes()).as("later publications are dropped too").isZero();
        backlog.drop();
        assertThat(lags).as("the loop is still blocked").isEmpty();
        runTasks();
        assertThat(writer.sent).isEmpty();
        assertThat(lags).singleElement().satisfies(lag -> {
            assertThat(lag.loop()).isSameAs(loop);
            assertThat(lag.since()).isBetween(beforeOldest.minusMillis(1), afterOldest);
            assertThat(lag.until()).isBetween(beforeNewest, Instant.now());
        });
        add(B);
        backlog.handOver(null);
        runTasks();
        assertThat(writer.sent).containsExactly("4");
        assertThat(lags).hasSize(1);
    }

    @Test
    void gapBeginsWithTheReceiptOfTheOldestPublication() {
        long age = Duration.ofHours(1).toNanos();
        Payload old = new Payload(1, null, new byte[0], true, System.nanoTime() - age);
        backlog.add(listeners(A), A, old, meters);
        add(A);
        backlog.handOver(null);
        backlog.drop();
        runTasks();
        assertThat(lags)
                .singleElement()
                .satisfies(lag -> assertThat(Duration.between(lag.since(), lag.until()))
                        .isBetween(Duration.ofHours(1), Duration.ofHours(2)));
    }

    @Test
    void batchInProgressIsNotDropped() {
        for (int i = 0; i < 3000; i++) {
            add(i % 2 == 0 ? A : B);
        }
        backlog.handOver(null);
        add(A);
        backlog.handOver(null);
        tasks.remove().run();
        int written = writer.sent.size();
        assertThat(written).isBetween(1, 2999);
        assertThat(tasks).hasSize(1);
        backlog.drop();
        assertThat(backlog.bytes()).isPositive();
        add(B);
        backlog.handOver(null);
        runTasks();
        assertThat(writer.sent).containsExactlyElementsOf(numbers(1, 3000));
        assertThat(lags).hasSize(1);
        assertThat(backlog.bytes()).isZero();
    }

    @Test
    void droppingNothingReportsNoGap() {
        backlog.drop();
        add(A);
        backlog.handOver(null);
        runTasks();
        backlog.drop();
        add(A);
        backlog.handOver(null);
        runTasks();
        assertThat(writer.sent).containsExactly("1", "2");
        assertThat(lags).isEmpty();
    }

    @Test
    void secondLagIsReportedAgain() {
        for (int i = 0; i < 3; i++) {
            add(A);
            backlog.handOver(null);
            backlog.drop();
            runTasks();
            add(A);
            backlog.handOver(null);
            runTasks();
        }
        assertThat(lags).hasSize(3);
        assertThat(writer.sent).containsExactly("2", "4", "6");
    }

    @Test
    void orderAndChargeAreCorrectForRandomMixtures() {
        List<String> expected = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(1);
        for (int read = 0; read < 2000; read++) {
            int size = 1 + random.nextInt(50);
            for (int i = 0; i < size; i++) {
                add(random.nextInt(3) == 0 ? B : A);
                expected.add(Long.toString(sequence));
            }
            backlog.handOver(null);
            if (random.nextInt(10) == 0) {
                tasks.remove().run();
            }
        }
        runTasks();
        assertThat(writer.sent).isEqualTo(expected);
        assertThat(backlog.bytes()).isZero();
        assertThat(writer.runs).as("there were runs").anyMatch(count -> count > 3);
    }

    private static Position at(int messages) {
        return Position.of(new Era(1, 1), 1, messages, 1);
    }

    private Backlog backlog(long maxBytes) {
        return new Backlog(loop, new Backlog.Bounds(maxBytes, MAX_RUN), () -> drains++, lags::add);
    }

    private void join(FrameWriter to) {
        Connection connection = connection(to);
        registry.add(connection);
        registry.subscribe(connection, A);
        registry.subscribe(connection, B);
        runTasks();
    }

    private LoopListeners listeners(Channel channel) {
        ChannelListeners listeners = Objects.requireNonNull(registry.listeners(channel));
        List<LoopListeners> loops = new ArrayList<>();
        listeners.forEachLoop(loops::add);
        return loops.get(0);
    }

    private Connection connection(FrameWriter to) {
        OutboxFactory outboxes = TestOutboxFactory.with(1 << 24, Duration.ofSeconds(30), new SimpleMeterRegistry());
        return new Connection("7", channel -> true, outboxes.open(to, loop, reason -> {}), loop, event -> {});
    }

    private boolean add(Channel channel) {
        byte[] number = Long.toString(++sequence).getBytes(StandardCharsets.US_ASCII);
        return add(channel, Payload.of(sequence, null, number, System.nanoTime()));
    }

    private void add(Channel channel, int length) {
        add(channel, payload(length));
    }

    private boolean add(Channel channel, Payload payload) {
        return backlog.add(listeners(channel), channel, payload, meters);
    }

    private Payload payload(int length) {
        return Payload.of(++sequence, null, new byte[length], System.nanoTime());
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    private static List<String> numbers(int first, int last) {
        return IntStream.rangeClosed(first, last).mapToObj(Integer::toString).toList();
    }

    /** Waits until both clocks have advanced. */
    private static void tick() {
        Instant start = Instant.now();
        while (Duration.between(start, Instant.now()).toNanos() < 10_000) {
            Thread.onSpinWait();
        }
    }
}
