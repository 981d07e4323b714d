package dev.sluice.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.config.Scope;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Loop;
import dev.sluice.outbox.Outbox;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.RecordingFrameWriter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.registry.ChannelListeners;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.registry.TestRegistries;
import dev.sluice.route.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DeliveryDispatcherTest {

    private static final Channel A = TestOutboxFactory.channel("upload:a");
    private static final Channel B = TestOutboxFactory.channel("upload:b");
    private static final int LENGTH = 1000 - Frame.OVERHEAD;
    private static final long MAX_BYTES = 10_000;
    private static final Duration MAX_PAUSE = Duration.ofSeconds(2);

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Queue<Runnable> otherTasks = new ArrayDeque<>();
    private final Loop loop = new Loop(0, tasks::add);
    private final Loop otherLoop = new Loop(1, otherTasks::add);
    private final HandDrivenSource source = new HandDrivenSource();
    private final Registry registry = TestRegistries.with(Scope.USER);
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final List<Lagged> lags = new ArrayList<>();
    private final RecordingFrameWriter writer = new RecordingFrameWriter();
    private final RecordingFrameWriter otherWire = new RecordingFrameWriter();
    private final DeliveryDispatcher deliveries = new DeliveryDispatcher(
            source,
            registry,
            TestOutboxFactory.ROUTES,
            new Backlog.Bounds(MAX_BYTES, 1 << 16),
            MAX_PAUSE,
            lag -> {
                lags.add(lag);
                (lag.loop() == loop ? writer : otherWire).sent.add("lagged");
            },
            metrics);
    private long sequence;

    @Test
    void eachLoopGetsOneTaskPerRead() {
        listen("1", loop, writer, A, B);
        listen("2", otherLoop, otherWire, A);
        for (int i = 0; i < 10; i++) {
            publish(A);
            publish(B);
        }
        assertThat(tasks).as("the read is not over").isEmpty();
        readIsOver();
        assertThat(tasks).hasSize(1);
        assertThat(otherTasks).hasSize(1);
        run(tasks);
        assertThat(heard(writer)).hasSize(20);
        assertThat(writer.flushes).isEqualTo(1);
        assertThat(heard(otherWire)).as("each on its own").isEmpty();
        run(otherTasks);
        assertThat(heard(otherWire)).hasSize(10);
        publish(B);
        readIsOver();
        assertThat(tasks).as("the next read is the next task").hasSize(1);
        assertThat(otherTasks).as("no connection there listens").isEmpty();
    }

    @Test
    void pausesAtTheBoundAndResumesAtHalf() {
        listen("1", loop, writer, A);
        read(9);
        assertThat(source.paused).isFalse();
        read(1);
        assertThat(source.paused).isTrue();
        assertThat(source.delays).containsExactly(MAX_PAUSE);
        read(1);
        assertThat(source.pauses).as("asked once").isEqualTo(1);
        run(tasks);
        assertThat(source.paused).as("on the source's own thread").isTrue();
        readIsOver();
        assertThat(source.paused).isFalse();
        assertThat(heard(writer)).hasSize(11);
    }

    @Test
    void resumesOnlyWhenEveryLoopHasCaughtUp() {
        listen("1", loop, writer, A);
        listen("2", otherLoop, otherWire, A);
        read(10);
        assertThat(source.pauses).isEqualTo(1);
        run(tasks);
        readIsOver();
        assertThat(source.paused).isTrue();
        run(otherTasks);
        readIsOver();
        assertThat(source.paused).isFalse();
        assertThat(lags).isEmpty();
    }

    @Test
    void droppedBacklogIsLogged() {
        List<String> lines = new ArrayList<>();
        Thread here = Thread.currentThread();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                // Other tests run at the same time.
                if (Thread.currentThread() == here) {
                    lines.add(line.getMessage());
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger logger = Logger.getLogger(DeliveryDispatcher.class.getName());
        logger.addHandler(handler);
        try {
            listen("1", loop, writer, A);
            read(10);
            source.timeIsUp();
            run(tasks);
        } finally {
            logger.removeHandler(handler);
        }
        assertThat(lines).singleElement().asString().startsWith("An event loop was overloaded");
    }

    @Test
    void onlyTheLaggingLoopDropsItsBacklog() {
        listen("1", loop, writer, A);
        listen("2", otherLoop, otherWire, A);
        read(6);
        run(otherTasks);
        read(4);
        assertThat(source.paused).isTrue();
        source.timeIsUp();
        assertThat(source.paused).isFalse();
        assertThat(deliveries.bytes()).as("the other's four").isEqualTo(4000);
        read(3);
        run(otherTasks);
        assertThat(heard(otherWire)).containsExactlyElementsOf(numbers(1, 13));
        run(tasks);
        assertThat(heard(writer)).as("reported on the loop, once it continues").containsExactly("lagged");
        assertThat(lags).singleElement().extracting(Lagged::loop).isSameAs(loop);
        assertThat(counted("sluice.feed.gaps")).isEqualTo(1);
        read(2);
        run(tasks);
        run(otherTasks);
        assertThat(heard(writer)).containsExactly("lagged", "14", "15");
        assertThat(heard(otherWire)).containsExactlyElementsOf(numbers(1, 15));
        assertThat(pending()).isZero();
    }

    @Test
    void timerOfAnEndedPauseDropsNothing() {
        listen("1", loop, writer, A);
        read(10);
        run(tasks);
        readIsOver();
        assertThat(source.paused).isFalse();
        Runnable late = source.timers.remove(0);
        late.run();
        read(10);
        assertThat(source.pauses).isEqualTo(2);
        late.run();
        assertThat(source.paused)
                .as("the timer of an earlier pause has no effect on this one")
                .isTrue();
        run(tasks);
        readIsOver();
        assertThat(lags).isEmpty();
        assertThat(heard(writer)).containsExactlyElementsOf(numbers(1, 20));
    }

    @Test
    void blockedLoopUsesItsBoundPlusOneRead() {
        listen("1", loop, writer, A);
        listen("2", otherLoop, otherWire, A);
        int perRead = 7;
        int reads = 0;
        for (int turn = 0; turn < 10_000; turn++) {
            if (source.paused) {
                source.timeIsUp();
            } else {
                read(perRead);
                reads++;
            }
            run(otherTasks);
            readIsOver();
            assertThat(deliveries.bytes()).isLessThanOrEqualTo(MAX_BYTES + perRead * 1000L);
            assertThat(tasks).hasSize(1);
        }
        assertThat(heard(otherWire)).containsExactlyElementsOf(numbers(1, reads * perRead));
        run(tasks);
        assertThat(heard(writer)).containsExactly("lagged");
        read(1);
        run(tasks);
        assertThat(heard(writer)).hasSize(2);
    }

    @Test
    void reportsPendingBytes() {
        listen("1", loop, writer, A);
        listen("2", otherLoop, otherWire, A);
        read(3);
        assertThat(pending()).isEqualTo(6000);
        run(tasks);
        assertThat(pending()).isEqualTo(3000);
        run(otherTasks);
        assertThat(pending()).isZero();
    }

    @Test
    void countsDeliveries() {
        listen("1", loop, writer, A);
        listen("2", loop, new RecordingFrameWriter(), A);
        listen("3", otherLoop, otherWire, A);
        read(4);
        run(tasks);
        run(otherTasks);
        assertThat(counted("sluice.deliveries", "route", "upload")).isEqualTo(12);
        assertThat(counted("sluice.delivery.bytes")).isEqualTo(12 * LENGTH);
        assertThat(metrics.get("sluice.delivery.latency").timer().count())
                .as("once for each loop")
                .isEqualTo(8);
    }

    @Test
    void newSubscriberReceivesPublicationsInTheQueue() {
        listen("1", loop, writer, A);
        publish(A);
        readIsOver();
        RecordingFrameWriter late = new RecordingFrameWriter();
        listen("2", loop, late, A);
        run(tasks);
        assertThat(heard(late)).containsExactly("1");
    }

    @Test
    void retainedPublicationIsNotDeliveredAgain() {
        listen("1", loop, writer, A);
        RecordingFrameWriter late = new RecordingFrameWriter();
        for (int i = 0; i < 3; i++) {
            publish(A);
        }
        Payload newest = payload();
        deliver(A, newest);
        publish(A);
        readIsOver();
        Connection asking = listen("2", loop, late, A);
        give(asking, newest);
        run(tasks);
        assertThat(heard(late)).containsExactly("4", "5");
        assertThat(heard(writer)).containsExactlyElementsOf(numbers(1, 5));
        assertThat(counted("sluice.deliveries", "route", "upload")).isEqualTo(7);
        assertThat(counted("sluice.delivery.bytes")).isEqualTo(7 * LENGTH);
        read(1);
        run(tasks);
        assertThat(heard(late)).containsExactly("4", "5", "6");
    }

    @Test
    void retainedPublicationOfOneConnectionStillReachesOthers() {
        listen("1", loop, writer, A, B);
        publish(A);
        publish(B);
        Payload newest = payload();
        deliver(A, newest);
        readIsOver();
        give(listen("2", loop, otherWire, A, B), newest);
        run(tasks);
        assertThat(heard(writer)).containsExactly("1", "2", "3");
        assertThat(heard(otherWire)).as("nor other channels").containsExactly("3", "2");
    }

    @Test
    void subscribingOnAnotherConnectionRepeatsNoPublication() {
        // Keeps the channel's listeners alive.
        listen("1", loop, writer, A);
        publish(A);
        publish(A);
        Payload newest = payload();
        deliver(A, newest);
        readIsOver();
        Connection one = listen("7", loop, otherWire, A);
        give(one, newest);
        Connection sibling = listen("7", otherLoop, new RecordingFrameWriter());
        registry.unsubscribe(sibling, A);
        registry.subscribe(sibling, A);
        run(tasks);
        assertThat(heard(otherWire)).as("1 and 2 are older").containsExactly("3");
        read(1);
        run(tasks);
        assertThat(heard(otherWire)).containsExactly("3", "4");
    }

    @Test
    void resubscribingSkipsNoQueuedPublication() {
        Connection one = listen("1", loop, writer, A);
        publish(A);
        Payload newest = payload();
        deliver(A, newest);
        readIsOver();
        registry.subscribe(one, A);
        assertThat(deliveries.needsRetained(one, A, newest, false))
                .as("it comes by itself")
                .isFalse();
        run(tasks);
        assertThat(deliveries.needsRetained(one, A, newest, false))
                .as("it has come")
                .isFalse();
        assertThat(heard(writer)).containsExactly("1", "2");
    }

    @Test
    void publicationDuringSubscribeIsDeliveredOnce() {
        // The publishing thread has retained the publication, and not yet looked up the listeners.
        Payload newest = payload();
        registry.publishing(newest.sequence());
        Connection one = listen("1", loop, writer, A);
        give(one, newest);
        deliver(A, newest);
        readIsOver();
        assertThat(deliveries.needsRetained(one, A, newest, false)).isFalse();
        run(tasks);
        assertThat(heard(writer)).containsExactly("1");
    }

    @Test
    void otherConnectionOfTheUserGetsTheRetainedAndAllLaterPublications() {
        Payload before = payload();
        registry.publishing(before.sequence());
        Connection one = listen("7", loop, writer, A);
        give(one, before);
        Connection sibling = listen("7", loop, otherWire);
        give(sibling, before);
        assertThat(deliveries.needsRetained(sibling, A, before, false))
                .as("not twice")
                .isFalse();
        Payload newest = payload();
        deliver(A, newest);
        readIsOver();
        assertThat(deliveries.needsRetained(sibling, A, newest, false)).isFalse();
        run(tasks);
        assertThat(heard(otherWire)).containsExactly("1", "2");
        assertThat(heard(writer)).containsExactly("1", "2");
    }

    @Test
    void siblingOnABusyLoopReceivesLaterPublications() {
        listen("1", loop, writer, A);
        listen("7", loop, otherWire);
        Connection sibling = listen("7", otherLoop, new RecordingFrameWriter());
        read(1);
        assertThat(tasks).as("the task that is to deliver the next read, too").hasSize(1);
        registry.subscribe(sibling, B);
        publish(B);
        readIsOver();
        tasks.remove().run();
        assertThat(heard(otherWire)).containsExactly("2");
    }

    @Test
    void siblingOnABusyLoopReceivesNothingAfterTheUnsubscribe() {
        listen("7", loop, otherWire, A, B);
        Connection sibling = listen("7", otherLoop, new RecordingFrameWriter());
        publish(A);
        publish(B);
        readIsOver();
        registry.unsubscribe(sibling, B);
        tasks.remove().run();
        assertThat(heard(otherWire)).containsExactly("1");
    }

    @Test
    void retainedPublicationIsSentAgainAfterAnUnsubscribe() {
        Connection one = listen("1", loop, writer, A);
        Payload newest = payload();
        deliver(A, newest);
        readIsOver();
        run(tasks);
        registry.unsubscribe(one, A);
        registry.subscribe(one, A);
        give(one, newest);
        assertThat(heard(writer)).containsExactly("1", "1");
    }

    @Test
    void droppedPublicationIsSentOnResubscribe() {
        Connection one = listen("1", loop, writer, A);
        read(9);
        Payload newest = payload();
        deliver(A, newest);
        readIsOver();
        source.timeIsUp();
        assertThat(deliveries.needsRetained(one, A, newest, false))
                .as("not told yet")
                .isFalse();
        run(tasks);
        assertThat(heard(writer)).containsExactly("lagged");
        give(one, newest);
        read(1);
        run(tasks);
        assertThat(heard(writer)).containsExactly("lagged", "10", "11");
    }

    @Test
    void positionIsTheHeadIfTheLoopHasDeliveredEverything() {
        deliveries.handOver(at(5));
        assertThat(deliveries.position(loop)).as("no listeners").isEqualTo(at(5));
        listen("1", loop, writer, A);
        deliver(A, payload(6));
        deliveries.handOver(at(7));
        assertThat(deliveries.position(otherLoop)).as("nothing for this one").isEqualTo(at(7));
        assertThat(deliveries.position(loop)).as("not delivered yet").isEqualTo(null);
        run(tasks);
        assertThat(deliveries.position(loop)).isEqualTo(at(7));
        deliver(A, payload(8));
        deliveries.handOver(at(9));
        assertThat(deliveries.position(loop)).as("the last that was delivered").isEqualTo(at(7));
        deliveries.handOver(at(10));
        assertThat(deliveries.position(loop)).isEqualTo(at(7));
        run(tasks);
        assertThat(deliveries.position(loop))
                .as("including publications without listeners")
                .isEqualTo(at(10));
        deliveries.handOver(null);
        assertThat(deliveries.position(loop)).as("no clock").isNull();
    }

    @Test
    void positionDuringATaskIsThatOfTheEarlierHandOver() {
        List<Position> during = new ArrayList<>();
        Outbox outbox = TestOutboxFactory.standard().open(writer, loop, reason -> {});
        Connection connection = new Connection("1", channel -> true, outbox, loop, event -> {}, "v2", true, true);
        registry.add(connection);
        registry.subscribe(connection, A);
        run(tasks);
        for (int i = 1; i <= 3; i++) {
            deliver(A, payload(2 * i));
            tasks.add(() -> during.add(deliveries.position(loop)));
            deliveries.handOver(at(2 * i + 1));
            run(tasks);
            during.add(deliveries.position(loop));
        }
        assertThat(during).containsExactly(null, at(3), at(3), at(5), at(5), at(7));
    }

    @Test
    void laggingLoopHasNoPosition() {
        listen("1", loop, writer, A);
        for (int i = 1; i <= 9; i++) {
            deliver(A, payload(i));
        }
        deliveries.handOver(at(9));
        source.runTasks();
        source.timeIsUp();
        assertThat(deliveries.position(loop)).isNull();
        run(tasks);
        assertThat(deliveries.position(loop))
                .as("its connections got the notice")
                .isEqualTo(at(9));
    }

    private static Position at(int messages) {
        return Position.of(new Era(1, 1), 1, messages, 1);
    }

    private Payload payload(int messages) {
        Payload without = payload();
        return new Payload(without.sequence(), at(messages), without.bytes(), true, without.receivedAt());
    }

    private void give(Connection to, Payload newest) {
        assertThat(deliveries.needsRetained(to, A, newest, false)).isTrue();
        deliveries.sendRetained(to, A, newest);
    }

    private Connection listen(String user, Loop on, RecordingFrameWriter to, Channel... channels) {
        Outbox outbox = TestOutboxFactory.standard().open(to, on, reason -> {});
        Connection connection = new Connection(user, channel -> true, outbox, on, event -> {});
        boolean idle = tasks.isEmpty() && otherTasks.isEmpty();
        registry.add(connection);
        for (Channel channel : channels) {
            registry.subscribe(connection, channel);
        }
        if (idle) {
            run(tasks);
            run(otherTasks);
        }
        return connection;
    }

    private void read(int publications) {
        for (int i = 0; i < publications; i++) {
            publish(A);
        }
        readIsOver();
    }

    private void readIsOver() {
        deliveries.handOver(null);
        source.runTasks();
    }

    private void publish(Channel channel) {
        deliver(channel, payload());
    }

    private void deliver(Channel channel, Payload payload) {
        registry.publishing(payload.sequence());
        ChannelListeners listeners = registry.listeners(channel);
        assertThat(listeners).isNotNull();
        deliveries.deliver(channel, listeners, payload);
    }

    private Payload payload() {
        byte[] bytes = number(++sequence).getBytes(StandardCharsets.US_ASCII);
        return Payload.of(sequence, null, bytes, System.nanoTime());
    }

    private static List<String> heard(RecordingFrameWriter by) {
        return by.sent.stream().map(String::strip).toList();
    }

    private double counted(String name, String... tags) {
        return metrics.get(name).tags(tags).counter().count();
    }

    private double pending() {
        return metrics.get("sluice.feed.pending.bytes").gauge().value();
    }

    private static void run(Queue<Runnable> tasks) {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    private static List<String> numbers(int first, int last) {
        return IntStream.rangeClosed(first, last).mapToObj(Integer::toString).toList();
    }

    /** Returns the number as text of a fixed length. */
    private static String number(long number) {
        return " ".repeat(LENGTH - Long.toString(number).length()) + number;
    }
}
